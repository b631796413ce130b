"""Planning: every missing run in exactly one cohort, cut by structure, longest first."""

from __future__ import annotations

import random

import pytest

from sweeps import planning
from sweeps.toy_robustness import STUDY
from trainables import cost
from trainables.runs import Run

RUNS = STUDY.runs(STUDY.preset("embedded"))


@pytest.mark.parametrize(("slots", "members"), [(1, 24), (2, 24), (2, 7), (16, 24), (64, 1024), (1, 1)])
def test_cut_puts_every_run_in_one_cohort_of_its_structure(slots: int, members: int) -> None:
    plans = planning.cut(RUNS, slots, members)
    assert sorted(run.key for plan in plans for run in plan.runs) == sorted(run.key for run in RUNS)
    assert all(len({run.configuration.structure for run in plan.runs}) == 1 for plan in plans)
    assert max(len(plan.runs) for plan in plans) <= members


def test_cut_orders_cohorts_longest_first() -> None:
    seconds = [plan.seconds for plan in planning.cut(RUNS, 2)]
    assert seconds == sorted(seconds, reverse=True)
    assert sum(seconds) == pytest.approx(sum(cost.seconds(run) for run in RUNS))


def test_cut_does_not_depend_on_the_order_of_the_runs() -> None:
    shuffled = RUNS[:]
    random.Random(1).shuffle(shuffled)
    assert planning.cut(shuffled, 2) == planning.cut(RUNS, 2)


def test_cut_makes_enough_cohorts_for_every_slot_where_it_can() -> None:
    assert len(planning.cut(RUNS, slots=32)) >= 32 * planning.COHORTS_PER_SLOT
    assert len(planning.cut(RUNS, slots=2)) == 48  # one per structure, of 24


def test_cut_bounds_the_memory_of_a_cohort() -> None:
    one = max(cost.bytes_per_member(run.configuration) for run in RUNS)
    plans = planning.cut(RUNS, slots=1, members=1024, memory=5 * one)
    assert all(
        sum(cost.bytes_per_member(run.configuration) for run in plan.runs) <= 5 * one for plan in plans
    )


def test_cut_of_nothing_is_nothing() -> None:
    assert planning.cut([], 2) == []


def test_missing_is_declared_minus_stored() -> None:
    stored = {run.key for run in RUNS[::3]}
    left = planning.missing(RUNS, stored)
    assert {run.key for run in left} == {run.key for run in RUNS} - stored
    assert planning.missing(RUNS, {run.key for run in RUNS}) == []


def test_cohort_key_depends_on_its_members_alone() -> None:
    a = planning.CohortPlan(tuple(RUNS[:3]), 1.0)
    b = planning.CohortPlan(tuple(RUNS[2::-1]), 2.0)
    assert a.key == b.key != planning.CohortPlan(tuple(RUNS[:4]), 1.0).key


def test_budgets_do_not_share_a_cohort() -> None:
    other = [Run(r.study, r.algorithm, r.lam, r.seed, r.configuration, 40) for r in RUNS[:4]]
    assert all(len({run.budget for run in plan.runs}) == 1 for plan in planning.cut(RUNS[:4] + other, 1))
