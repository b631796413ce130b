"""From declared runs to cohorts: what is missing, cut by structure, longest first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainables import cost
from trainables.runs import Run, content_hash

CPU_MEMBERS = 24
"""Members of a cohort on a CPU: throughput rises up to there at widths to 64, and is level at 128."""

GPU_MEMBERS = 1024
"""Members of a cohort on a GPU, where memory allows."""

MEMORY = 2 << 30
"""Bytes a cohort may take on a CPU."""

COHORTS_PER_SLOT = 4
"""Cohorts are cut smaller until every device has this many: the last ones then end close together."""

LEAST_MEMBERS = 6


@dataclass(frozen=True)
class CohortPlan:
    """Runs that train as one array.

    Attributes:
        runs: its members, sorted.
        seconds: expected time on one CPU core.
    """

    runs: tuple[Run, ...]
    seconds: float

    @property
    def key(self) -> str:
        """Hash of its members' keys: the same cohort has the same file."""
        return content_hash(sorted(run.key for run in self.runs))


def missing(declared: Iterable[Run], finished: set[str]) -> list[Run]:
    """Declared minus stored: the one operation that starts, continues, extends and retries a study."""
    return [run for run in declared if run.key not in finished]


def cut(
    runs: Sequence[Run], slots: int = 1, members: int = CPU_MEMBERS, memory: int = MEMORY
) -> list[CohortPlan]:
    """Cohorts of the runs, each run in exactly one, longest first.

    Args:
        runs: what to train, with no key twice.
        slots: trials that run at once.
        members: the most members of a cohort.
        memory: bytes that a cohort may take.
    """
    groups = [
        list(group)
        for _, group in itertools.groupby(
            sorted(runs, key=_order), key=lambda r: (r.budget, r.configuration.structure)
        )
    ]
    enough = COHORTS_PER_SLOT * slots
    while members > LEAST_MEMBERS and sum(math.ceil(len(g) / members) for g in groups) < enough:
        members = max(LEAST_MEMBERS, members // 2)
    plans = []
    for group in groups:
        limit = max(1, min(members, memory // cost.bytes_per_member(group[0].configuration)))
        parts = math.ceil(len(group) / limit)
        for part in range(parts):
            chunk = tuple(group[len(group) * part // parts : len(group) * (part + 1) // parts])
            plans.append(CohortPlan(chunk, sum(cost.seconds(run) for run in chunk)))
    return sorted(plans, key=lambda plan: (-plan.seconds, plan.key))


def _order(run: Run) -> tuple[object, ...]:
    return (run.budget, run.configuration.structure, run.configuration, run.seed, run.lam, run.algorithm)
