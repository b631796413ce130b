"""Cohorts of a stage: interrupted runs continue together, all others begin, each run in exactly one cohort."""

from __future__ import annotations

from collections import Counter

from sweeps.planning.cohort_plans import Missing
from sweeps.planning.slots import Slots
from sweeps.planning.stages import cohorts
from sweeps.strategies.full_grid import FullGrid
from sweeps.toy_robustness import STUDY

GRID = STUDY.declared(STUDY.preset("embedded", limit=24))
SLOTS = Slots(2, "cpu", {"CPU": 1.0})


def test_whole_grid_without_interrupted_runs_is_planned_without_holding_them() -> None:
    (stage,) = FullGrid(GRID, set()).stages()
    assert isinstance(stage.runs, Missing)
    plans = cohorts(stage, SLOTS)
    assert Counter(run.key for plan in plans for run in plan.runs) == Counter(run.key for run in GRID)
    assert {(plan.since, plan.until) for plan in plans} == {(0, 300)}
    assert [plan.seconds for plan in plans] == sorted((plan.seconds for plan in plans), reverse=True)


def test_interrupted_runs_of_a_grid_continue_from_their_states_and_the_rest_begins() -> None:
    finished, first, second = ({run.key for run in GRID[a:b]} for a, b in ((0, 10), (10, 16), (16, 20)))
    begun = dict.fromkeys(first, (100, "begun-a")) | dict.fromkeys(second, (200, "begun-b"))
    (stage,) = FullGrid(GRID, finished).stages()
    plans = cohorts(stage, SLOTS, begun=begun)
    assert Counter(run.key for plan in plans for run in plan.runs) == Counter(run.key for run in GRID[10:])
    for plan in plans:
        assert plan.segment
        keys = {run.key for run in plan.runs}
        expected = {0: ((), keys - set(begun)), 100: (("begun-a",), first), 200: (("begun-b",), second)}
        states, among = expected[plan.since]
        assert plan.segment.states == states
        assert keys <= among


def test_state_at_the_end_of_a_stage_or_beyond_is_not_continued_in_it() -> None:
    (stage,) = FullGrid(GRID, set()).stages()
    begun = {GRID[0].key: (300, "begun-a")}
    assert all(plan.since == 0 for plan in cohorts(stage, SLOTS, begun=begun))
