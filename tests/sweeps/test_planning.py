"""Planning: every missing run in exactly one cohort, cut by structure, longest first."""

from __future__ import annotations

import math
import random
import tracemalloc
from array import array
from dataclasses import replace

import pytest

from sweeps.planning import cohort_plans
from sweeps.planning.schedule import simulate
from sweeps.toy_robustness import STUDY
from trainables.engine import cost
from trainables.runs import Run

RUNS = STUDY.runs(STUDY.preset("embedded"))


@pytest.mark.parametrize(("slots", "members"), [(1, 24), (2, 24), (2, 7), (16, 24), (64, 1024), (1, 1)])
def test_cut_puts_every_run_in_one_cohort_of_its_structure(slots: int, members: int) -> None:
    plans = cohort_plans.cut(RUNS, slots, members)
    assert sorted(run.key for plan in plans for run in plan.runs) == sorted(run.key for run in RUNS)
    assert all(len({run.configuration.structure for run in plan.runs}) == 1 for plan in plans)
    restart = slots / cohort_plans.TRIALS_PER_SECOND
    assert all(len(plan.runs) <= members or plan.seconds <= restart for plan in plans)


@pytest.mark.parametrize("algorithms", [None, ("gan", "svae_r", "ali", "alice")])
def test_cut_of_a_grid_is_the_cut_of_its_runs(algorithms: tuple[str, ...] | None) -> None:
    declared = STUDY.declared(STUDY.preset("embedded", seeds=2, lambdas=(1.0, 0.1)), algorithms)
    finished = {run.key for run in declared[::7]}
    lazy = cohort_plans.cut(cohort_plans.missing(declared, finished), 2)
    listed = cohort_plans.cut([run for run in declared if run.key not in finished], 2)
    assert [plan.runs for plan in lazy] == [plan.runs for plan in listed]
    assert [plan.seconds for plan in lazy] == [plan.seconds for plan in listed]


def test_cut_gives_cohorts_of_like_sizes_not_full_ones_and_a_rest() -> None:
    assert {len(plan) for plan in cohort_plans.cut(RUNS, 1, members=23)} == {12}  # not 23 and 1


def test_cut_makes_cohorts_short_where_little_is_left() -> None:
    seconds = [plan.seconds for plan in cohort_plans.cut(STUDY.declared(STUDY.preset("paper")), 64)]
    share = sum(seconds) / 64
    assert seconds[0] <= share / 2
    assert sum(s for s in seconds if s > share / 10) > sum(seconds) / 2  # most of the work is in long ones
    assert sorted(seconds)[64] <= share / 30  # and there is a short one for every device


def test_cut_makes_larger_cohorts_where_trials_could_not_start_in_time() -> None:
    declared = STUDY.declared(STUDY.preset("paper", seeds=20))
    few, many = cohort_plans.cut(declared, 64), cohort_plans.cut(declared, 1000)
    assert 24 <= max(len(plan) for plan in few) < max(len(plan) for plan in many)
    restart = 1000 / cohort_plans.TRIALS_PER_SECOND
    assert all(plan.seconds > restart / 2 for plan in many)


def test_cut_orders_cohorts_longest_first() -> None:
    seconds = [plan.seconds for plan in cohort_plans.cut(RUNS, 2)]
    assert seconds == sorted(seconds, reverse=True)
    assert sum(seconds) == pytest.approx(sum(cost.seconds(run) for run in RUNS))


def test_cut_does_not_depend_on_the_order_of_the_runs() -> None:
    shuffled = RUNS[:]
    random.Random(1).shuffle(shuffled)
    assert cohort_plans.cut(shuffled, 2) == cohort_plans.cut(RUNS, 2)


def test_cut_makes_enough_cohorts_for_every_slot_where_it_can() -> None:
    assert len(cohort_plans.cut(RUNS, slots=32)) >= 32 * 4
    assert len(cohort_plans.cut(RUNS, slots=2)) == 48  # one per structure, of 24


def test_cut_bounds_the_memory_of_a_cohort() -> None:
    one = max(cost.bytes_per_member(run) for run in RUNS)
    plans = cohort_plans.cut(RUNS, slots=1, members=1024, memory=5 * one)
    assert all(sum(cost.bytes_per_member(run) for run in plan.runs) <= 5 * one for plan in plans)


def test_cut_of_nothing_is_nothing() -> None:
    assert cohort_plans.cut([], 2) == []


def test_missing_is_declared_minus_stored() -> None:
    stored = {run.key for run in RUNS[::3]}
    left = cohort_plans.missing(RUNS, stored)
    assert len(left) == len(RUNS) - len(stored)
    assert {run.key for run in left} == {run.key for run in RUNS} - stored
    nothing = cohort_plans.missing(RUNS, {run.key for run in RUNS})
    assert (len(nothing), cohort_plans.cut(nothing, 2)) == (0, [])


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_stored_what_is_cut_is_the_rest_and_cut_the_same_way_again(seed: int) -> None:
    declared = STUDY.declared(STUDY.preset("smoke", seeds=3))
    keys = [run.key for run in declared]
    draw = random.Random(seed)
    finished = set(draw.sample(keys, draw.randrange(len(keys) + 1)))
    plans = cohort_plans.cut(cohort_plans.missing(declared, finished), 2)
    assert sorted(run.key for plan in plans for run in plan.runs) == sorted(set(keys) - finished)
    again = cohort_plans.cut(cohort_plans.missing(reversed(declared), finished), 2)
    assert [plan.runs for plan in again] == [plan.runs for plan in plans]


def test_group_skips_the_stored_ones() -> None:
    runs = tuple(RUNS[:8])
    group = cohort_plans.SameStructure(runs, array("L", [0, 3, 4, 7]))
    assert tuple(group) == (runs[1], runs[2], runs[5], runs[6])
    assert group[-1] == runs[6]
    assert group[1:3] == (runs[2], runs[5])


def test_cohort_key_depends_on_its_members_alone() -> None:
    a = cohort_plans.CohortPlan(RUNS, 0, 3, 1.0)
    b = cohort_plans.CohortPlan(RUNS[2::-1], 0, 3, 2.0)
    assert a.key == b.key != cohort_plans.CohortPlan(RUNS, 0, 4, 1.0).key


def planned(seeds: int) -> tuple[int, int, int]:
    """Runs, cohorts and peak bytes of planning the paper's study with a number of seeds."""
    tracemalloc.start()
    try:
        todo = cohort_plans.missing(STUDY.declared(STUDY.preset("paper", seeds=seeds)))
        cohorts = len(cohort_plans.cut(todo, 64))
        return len(todo), cohorts, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_planning_takes_memory_for_cohorts_not_for_runs() -> None:
    runs, cohorts, peak = planned(seeds=35)
    assert runs == 201_600
    assert 2_000 < cohorts <= 8_400  # of 24 runs, and larger where those would be over too soon
    assert peak < (1 << 20) + 300 * cohorts  # a list of runs would take 40 MB


@pytest.mark.slow
def test_a_million_runs_are_planned_each_in_one_cohort_and_in_little_memory() -> None:
    runs, cohorts, peak = planned(seeds=174)
    assert runs == 1_002_240
    assert 10_000 < cohorts <= 41_760
    assert peak < 16 << 20
    declared = STUDY.declared(STUDY.preset("paper", seeds=174))
    finished = {run.key for run in declared[::10]}
    plans = cohort_plans.cut(cohort_plans.missing(declared, finished), 64)
    assert sum(map(len, plans)) == 1_002_240 - len(finished)
    assert len({plan.key for plan in plans}) == len(plans)


def test_budgets_do_not_share_a_cohort() -> None:
    other = [Run(r.study, r.algorithm, r.lam, r.seed, r.configuration, 40) for r in RUNS[:4]]
    assert all(len({run.budget for run in plan.runs}) == 1 for plan in cohort_plans.cut(RUNS[:4] + other, 1))


def test_precisions_do_not_share_a_cohort() -> None:
    other = [replace(run, precision="bf16") for run in RUNS[:4]]
    plans = cohort_plans.cut(RUNS[:4] + other, 1)
    assert sum(map(len, plans)) == 8
    assert all(len({run.precision for run in plan.runs}) == 1 for plan in plans)


@pytest.mark.parametrize(
    ("most", "sizes"), [(9, [7]), (7, [7]), (6, [3, 4]), (3, [2, 2, 3]), (2, [1, 2, 2, 2]), (1, [1] * 7)]
)
def test_split_parts_a_cohort_alike_and_in_order(most: int, sizes: list[int]) -> None:
    plan = cohort_plans.CohortPlan(RUNS, 5, 12, 14.0)
    parts = plan.split(most)
    assert [len(part) for part in parts] == sizes
    assert tuple(run for part in parts for run in part.runs) == plan.runs
    assert [part.seconds for part in parts] == [2.0 * size for size in sizes]


def test_the_shortest_cohort_comes_first_and_costs_at_most_its_own_time() -> None:
    plans = cohort_plans.cut(STUDY.declared(STUDY.presets["embedded"]), 2)
    ordered = cohort_plans.shortest_first(plans, 2)
    assert ordered == [plans[-1], *plans[:-1]]
    before, after = (
        simulate([p.seconds for p in order], 2, math.inf, math.inf).makespan for order in (plans, ordered)
    )
    assert after <= before + plans[-1].seconds
    assert cohort_plans.shortest_first(plans[:2], 2) == plans[:2]
