"""Stages of training, which strategies choose, and their cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import final

from sweeps.planning import cohort_plans
from sweeps.planning.cohort_plans import CohortPlan, Missing, Segment
from sweeps.planning.slots import Slots
from trainables.runs import Run

State = tuple[int, str]
"""Iterations done, and name of the stored state that holds them."""


@final
@dataclass(frozen=True)
class Stage:
    """Runs to train to the same iteration, side by side.

    Attributes:
        runs: still to train.
        until: the iteration, a rung or their budget.
        stopped: run key -> state in which the run stopped at an earlier rung.
        waiting: names of the stored states that may still be continued.
        later: upper bound on trainings at later stages.
        renamed: key of a stopped run -> its key in the state, if that is another.
    """

    runs: tuple[Run, ...] | Missing
    until: int
    stopped: Mapping[str, State] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    later: int = 0
    renamed: Mapping[str, str] = field(default_factory=dict)


def cohorts(
    stage: Stage, slots: Slots, kept: AbstractSet[str] = frozenset(), begun: Mapping[str, State] | None = None
) -> list[CohortPlan]:
    """Cuts a stage into cohorts, longest first: runs at equal iterations continue together, runs without a state begin anew.

    Args:
        stage: the runs; a `Missing` is planned without holding its runs if none of them continues.
        slots: devices, which limit a cohort's size.
        kept: names of the states of earlier rungs that are still stored.
        begun: run key -> state of a run that was interrupted.
    """
    begun = begun or {}
    continued: dict[int, list[Run]] = {}
    names: dict[str, str] = {}
    for run in stage.runs if stage.stopped or begun else ():
        places = [(0, "")]
        if (stopped := stage.stopped.get(run.key)) and stopped[1] in kept:
            places.append(stopped)
        if (interrupted := begun.get(run.key)) and interrupted[0] < stage.until:
            places.append(interrupted)
        since, names[run.key] = max(places)
        continued.setdefault(since, []).append(run)
    continued.pop(0, None)
    further = {run.key for runs in continued.values() for run in runs}
    rest = cohort_plans.missing(stage.runs) if isinstance(stage.runs, tuple) else stage.runs
    parts: list[tuple[int, Missing | list[Run]]] = [
        *continued.items(),
        (0, rest.without(further) if further else rest),
    ]
    plans = []
    for since, runs in parts:
        for plan in cohort_plans.cut(runs, slots.count, slots.members, slots.memory):
            states = {names[run.key] for run in plan.runs} if since else set()
            continuing = plan.runs if since else ()  # runs of a plan are made anew when asked for
            renamed = {run.key: stage.renamed[run.key] for run in continuing if run.key in stage.renamed}
            seconds = plan.seconds * ((stage.until - since) / plan.budget)
            plans.append(
                replace(
                    plan, seconds=seconds, segment=Segment(since, stage.until, tuple(sorted(states)), renamed)
                )
            )
    return sorted(plans, key=lambda plan: -plan.seconds)
