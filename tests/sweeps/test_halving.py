"""Successive halving: who survives is a function of the rows alone, and every population is by itself."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from sweeps.planning import cohort_plans
from sweeps.planning.slots import Slots
from sweeps.planning.stages import Stage, cohorts
from sweeps.strategies.halving import Halving, stages, waiting
from sweeps.strategies.optuna_search import Search, Settings, generations
from sweeps.toy_robustness import STUDY
from tests.sweeps.search_metrics import MSE, SCORE
from trainables.runs import Run

BUDGET = 300  # evaluated every 60 iterations
RUNS = STUDY.runs(STUDY.preset("embedded", limit=48, iterations=BUDGET), ["alice"])
BY_SCORE = Halving(4, SCORE)
Rows = dict[str, dict[str, Any]]


def row(run: Run, until: int, order: int) -> dict[str, Any]:
    """A row at `until` iterations whose score is `order` at 60 and the opposite from 120 on."""
    scores = {i: float(order if i == 60 else -order) for i in range(60, until + 1, 60)}
    return {
        "outcome": "COMPLETED" if until == run.budget else "STOPPED",
        "iterations": until,
        "diverged_at": None,
        "cohort_key": f"state{until}",
        "inception_score": scores[until],
        "curve": {i: {"inception_score": score} for i, score in scores.items()},
    }


def finish(rows: Rows, populations: list[list[Run]], halving: Halving | None = BY_SCORE) -> list[Stage]:
    """Train every stage; the place of a run in its population is its order."""
    found = []
    for stage in stages(populations, halving, lambda: rows):
        found.append(stage)
        for population in populations:
            rows.update({r.key: row(r, stage.until, i) for i, r in enumerate(population) if r in stage.runs})
    return found


@pytest.mark.parametrize(
    ("factor", "budget", "rungs"),
    [
        # 300 / 4 = 75 and 300 / 16 = 19, up to a multiple of 60; 1600 / 4 = 400 and 100, of 280
        (4, 300, (60, 120)),
        (3, 300, (60, 120)),
        (2, 300, (60, 120, 180)),
        (4, 1600, (280, 560)),
        (4, 60, (20,)),
        (2, 21, (20,)),
    ],
)
def test_rungs_are_evaluations(factor: int, budget: int, rungs: tuple[int, ...]) -> None:
    assert Halving(factor, MSE).rungs(budget) == rungs


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Halving(1, MSE), "be >= 2, got 1"),
        (lambda: Halving(4, MSE).rungs(20), "iterations must be > 20, got 20"),
    ],
)
def test_halving_says_what_is_wrong(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_the_best_quarter_survives_each_rung() -> None:
    rows: Rows = {}
    first, second, third = finish(rows, [RUNS])
    assert [(len(s.runs), s.until, s.later) for s in (first, second, third)] == [
        (48, 60, 15),
        (12, 120, 3),
        (3, 300, 0),
    ]
    assert set(second.runs) == set(RUNS[-12:])  # the largest scores at 60
    assert set(third.runs) == set(RUNS[36:39])  # of these, the smallest order at 120
    assert first.stopped == {}
    assert set(third.stopped.values()) == {(120, "state120")}
    assert [s.waiting for s in (first, second, third)] == [set(), {"state60"}, {"state120"}]
    assert waiting(rows, {run.key for run in RUNS}) == set()
    assert finish(rows, [RUNS]) == []


def test_a_metric_that_falls_is_ranked_the_other_way_and_ties_by_run_key() -> None:
    rows = {
        run.key: row(run, 60, 0) | {"curve": {60: {"mse_x": float(i < 24)}}} for i, run in enumerate(RUNS)
    }
    stage = next(stages([RUNS], Halving(4, MSE), lambda: rows))
    assert list(stage.runs) == sorted(RUNS[24:], key=lambda run: run.key)[:12]


def test_populations_are_halved_by_themselves_and_train_side_by_side() -> None:
    one, other = RUNS[:40], RUNS[40:]
    together = finish({}, [one, other])
    assert [len(stage.runs) for stage in together] == [48, 10 + 2, 2 + 1]
    apart = [finish({}, [population]) for population in (one, other)]
    for stage, *alone in zip(together, *apart, strict=True):
        assert set(stage.runs) == {run for s in alone for run in s.runs}


def test_diverged_failed_and_missing_runs_lose_and_are_counted() -> None:
    rows = {run.key: row(run, 60, i) for i, run in enumerate(RUNS)}
    rows[RUNS[47].key] |= {"outcome": "DIVERGED", "diverged_at": 55}  # its metrics were finite again at 60
    rows[RUNS[46].key] = {"outcome": "FAILED", "iterations": 0, "diverged_at": None, "cohort_key": "state60"}
    stage = [*stages([RUNS], BY_SCORE, lambda: rows)][1]  # the first is for the one that FAILED
    assert set(stage.runs) == set(RUNS[34:46])


def test_a_run_that_diverges_later_was_a_survivor_and_needs_no_training() -> None:
    rows = {run.key: row(run, 60, i) for i, run in enumerate(RUNS)}
    rows[RUNS[47].key] = row(RUNS[47], 300, 47) | {"outcome": "DIVERGED", "diverged_at": 130}
    stage = next(stages([RUNS], BY_SCORE, lambda: rows))
    assert set(stage.runs) == set(RUNS[36:47])


def test_a_grid_that_is_whole_needs_no_training_and_one_that_was_halved_is_completed() -> None:
    rows: Rows = {}
    (stage,) = finish(rows, [RUNS], None)
    assert (set(stage.runs), stage.until) == (set(RUNS), 300)
    assert finish(rows, [RUNS]) == []
    rows = {}
    finish(rows, [RUNS])
    (rest,) = finish(rows, [RUNS], None)
    assert len(rest.runs) == 48 - 3


def test_halving_continues_where_it_was_killed_and_ends_with_the_same_survivors() -> None:
    whole: Rows = {}
    finish(whole, [RUNS])
    rows: Rows = {}
    for place, stage in enumerate(stages([RUNS], BY_SCORE, lambda: rows)):
        trained = stage.runs[: len(stage.runs) // (1 + place)]
        rows.update({r.key: row(r, stage.until, RUNS.index(r)) for r in trained})
        if place == 1:
            break
    again = finish(rows, [RUNS])
    assert [(len(stage.runs), stage.until) for stage in again] == [(6, 120), (3, 300)]
    assert rows == whole


def test_another_factor_or_more_runs_train_what_they_need_and_lose_nothing() -> None:
    rows: Rows = {}
    finish(rows, [RUNS[:16]])
    kept = dict(rows)
    finish(rows, [RUNS])
    for other in (Halving(2, SCORE), BY_SCORE):
        finish(rows, [RUNS], other)
        assert all(rows[key]["iterations"] >= old["iterations"] for key, old in kept.items())
    fresh: Rows = {}
    finish(fresh, [RUNS])
    assert {key for key, r in fresh.items() if r["outcome"] == "COMPLETED"} <= {
        key for key, r in rows.items() if r["outcome"] == "COMPLETED"
    }


def test_cohorts_of_a_stage_go_on_together_from_where_they_are_or_begin_where_no_state_is_kept() -> None:
    everyone = STUDY.runs(STUDY.preset("embedded", iterations=BUDGET), ["alice"])
    shape = everyone[0].configuration.structure
    runs = tuple(run for run in everyone if run.configuration.structure == shape)  # 12: rate, β1, dropout
    stopped = {run.key: (60, "a" if i % 2 else "lost") for i, run in enumerate(runs)}
    plans = cohorts(Stage(runs, 120, stopped, frozenset("a")), Slots(1, "cpu", {}), {"a"})
    for plan in plans:
        assert plan.segment is not None
        states = {stopped[run.key][1] for run in plan.runs}
        assert (plan.since, plan.segment.states) == ((60, ("a",)) if states == {"a"} else (0, ()))
        assert plan.until == 120
    assert [len(plan) for plan in plans] == [6, 6]
    assert {r.key for plan in plans for r in plan.runs} == {r.key for r in runs}
    whole = cohort_plans.cut([r for r in runs if stopped[r.key][1] == "a"])
    gone_on = sum(plan.seconds for plan in plans if plan.since)
    assert gone_on == pytest.approx(sum(plan.seconds for plan in whole) * 60 / 300)


def test_a_cohort_has_another_name_at_each_rung() -> None:
    plan = cohort_plans.CohortPlan(RUNS, 0, 4, 1.0)
    at = functools.partial(cohort_plans.CohortPlan, RUNS, 0, 4, 1.0)
    assert at(cohort_plans.Segment(60, BUDGET)).key == plan.key
    assert len({plan.key, at(cohort_plans.Segment(0, 60)).key, at(cohort_plans.Segment(0, 120)).key}) == 3


def test_generations_of_a_search_are_halved_and_the_losers_told_as_pruned() -> None:
    def run_of(configuration: Any) -> Run:
        return Run("searched", "alice", 0.1, 0, configuration, BUDGET)

    search = Search(STUDY.space, Settings("tpe", (SCORE,), 32, 16, 0, BY_SCORE), run_of)
    rows: Rows = {}
    sizes = []
    for stage in generations([search], lambda: rows):
        sizes.append((len(stage.runs), stage.until))
        rows.update({run.key: row(run, stage.until, run.configuration.width) for run in stage.runs})
    assert sizes == [(16, 60), (4, 120), (1, 300)] * 2
    states = [trial.state.name for trial in search.history.trials if "run_key" in trial.user_attrs]
    assert {state: states.count(state) for state in states} == {"PRUNED": 30, "COMPLETE": 2}
    pruned = next(t for t in search.history.trials if t.state.name == "PRUNED")
    assert pruned.intermediate_values.keys() <= {60, 120}
    assert len(search.best()) == 1
