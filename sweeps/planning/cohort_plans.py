"""Plans cohorts: missing runs, grouped by structure and cut to size, longest first.

A plan holds places in a group of runs and makes the runs when asked for them: planning takes memory
for the cohorts and for what is stored, not for every run.
"""

from __future__ import annotations

import itertools
import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import final

from sweeps.planning.slots import CPU_MEMBERS, MEMORY
from sweeps.study.grid import Grid, LazyRuns
from trainables import objectives
from trainables.engine import cost
from trainables.runs import Run, content_hash

COHORTS_PER_SLOT = 3
"""A cohort takes at most 1 / COHORTS_PER_SLOT of a device's share of the work that is not handed out yet:
cohorts get shorter towards the end, and devices end together (guided self-scheduling, Polychronopoulos &
Kuck 1987)."""

SHORTEST = 1 / 40
"""Fraction of a device's share of the whole work below which cohorts are not shortened further."""

LEAST_MEMBERS = 6
"""Smallest size to which cohorts of fused members are cut for the sake of time: below it a run costs more."""

TRIALS_PER_SECOND = 14.0
"""Trials that Ray Tune starts per second: 10,000 took 715 s (docs.ray.io, Scalability and Overhead Benchmarks
for Ray Tune). If it could not keep the devices busy, cohorts are larger than `members`."""


@final
@dataclass(frozen=True)
class SameStructure(LazyRuns):
    """Missing runs with one structure and budget; each is expected to take equally long.

    Attributes:
        declared: all declared runs with that structure and budget, ascending.
        stored: places in `declared` that need no training, ascending.
    """

    declared: Sequence[Run]
    stored: array[int]

    def __len__(self) -> int:
        return len(self.declared) - len(self.stored)

    def at(self, place: int) -> Run:
        # stored[n] − n runs that are not stored come before the n-th that is.
        skipped = bisect_right(range(len(self.stored)), place, key=lambda n: self.stored[n] - n)
        return self.declared[place + skipped]

    def keys(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        if isinstance(self.declared, LazyRuns) and not self.stored:
            return self.declared.keys(start, stop)
        return super().keys(start, stop)

    @property
    def seconds(self) -> float:
        """Expected seconds of one run on one CPU core."""
        return cost.seconds(self[0])

    def without(self, keys: AbstractSet[str]) -> SameStructure:
        """The group without the runs of these keys."""
        stored = set(self.stored)
        places = (n for n, run in enumerate(self.declared) if n in stored or run.key in keys)
        return SameStructure(self.declared, array("L", places))


@final
@dataclass(frozen=True)
class Missing:
    """Missing runs: declared minus stored, one group per structure and budget."""

    groups: tuple[SameStructure, ...]

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups)

    def __iter__(self) -> Iterator[Run]:
        return itertools.chain.from_iterable(self.groups)

    def without(self, keys: AbstractSet[str]) -> Missing:
        """The same without the runs of these keys."""
        groups = (group.without(keys) for group in self.groups)
        return Missing(tuple(group for group in groups if len(group)))


@dataclass(frozen=True)
class Segment:
    """The iterations that one trial trains a cohort for.

    Attributes:
        since: iterations done before it.
        until: iterations to have done after it.
        states: names of the stored states with the members at `since`.
        renamed: key of a member -> its key in the state, if that is another.
    """

    since: int
    until: int
    states: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CohortPlan:
    """Plan of a cohort: runs that train as one array.

    Attributes:
        group: runs with one structure and budget, ascending.
        start: place in it of the first member.
        stop: place after the last member.
        seconds: expected seconds on one CPU core.
        segment: iterations to train; None for all.
    """

    group: Sequence[Run]
    start: int
    stop: int
    seconds: float
    segment: Segment | None = None

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def runs(self) -> tuple[Run, ...]:
        """Members, ascending; made anew at each access."""
        return tuple(self.group[self.start : self.stop])

    @property
    def budget(self) -> int:
        """Declared iterations of each member."""
        return self.group[self.start].budget

    @property
    def key(self) -> str:
        """Hash of the members' keys, and of `until` if that is before their budget: it names the cohort's file."""
        runs = self.group
        keys = sorted(
            runs.keys(self.start, self.stop) if isinstance(runs, LazyRuns) else (r.key for r in self.runs)
        )
        return content_hash(keys if self.until == self.budget else {"runs": keys, "until": self.until})

    @property
    def since(self) -> int:
        """Iterations done at its beginning."""
        return self.segment.since if self.segment else 0

    @property
    def until(self) -> int:
        """Iterations done at its end."""
        return self.segment.until if self.segment else self.budget

    def split(self, most: int) -> list[CohortPlan]:
        """Splits it into parts of nearly equal size with at most `most` >= 1 members, in order."""
        parts = math.ceil(len(self) / most)
        places = [self.start + len(self) * n // parts for n in range(parts + 1)]
        return [
            replace(self, start=a, stop=b, seconds=self.seconds * (b - a) / len(self))
            for a, b in itertools.pairwise(places)
        ]


def missing(declared: Iterable[Run], finished: AbstractSet[str] = frozenset()) -> Missing:
    """Declared minus stored: this one operation starts, continues, extends and retries a study.

    Args:
        declared: runs with distinct keys. A Grid's runs are not held in memory.
        finished: keys of the runs that need no training.
    """
    parts: Sequence[Sequence[Run]]
    if isinstance(declared, Grid):
        parts = declared.by_structure()
    else:
        parts = [tuple(same) for _, same in itertools.groupby(sorted(declared, key=_order), key=_structure)]
    groups = (
        SameStructure(
            part, array("L", (n for n, key in enumerate(_keys(part)) if key in finished) if finished else ())
        )
        for part in parts
    )
    return Missing(tuple(group for group in groups if len(group)))


def cut(
    runs: Missing | Iterable[Run], slots: int = 1, members: int = CPU_MEMBERS, memory: int = MEMORY
) -> list[CohortPlan]:
    """Cuts runs into cohorts, each run in exactly one, longest first.

    Args:
        runs: to train, with distinct keys.
        slots: number of trials that run at once.
        members: largest size of a cohort, unless trials would be too short to be started in time.
        memory: bytes that a cohort may take.

    Raises:
        ValueError: slots < 1.
    """
    if slots < 1:
        raise ValueError(f"slots, the devices that train at once, must be >= 1, got {slots}")
    groups = (runs if isinstance(runs, Missing) else missing(runs)).groups
    left = sum(len(group) * group.seconds for group in groups)
    restart = slots / TRIALS_PER_SECOND  # seconds in which every device can be given one trial
    shortest = max(SHORTEST * left / slots, restart)
    plans = []
    for group in sorted(groups, key=lambda group: -group.seconds):
        each, start = group.seconds, 0
        fitting = (memory - cost.bytes_shared(group[0])) // cost.bytes_per_member(group[0])
        least = LEAST_MEMBERS if cost.fused(group[0]) else 1
        widest = max(1, min(fitting, max(members, int(restart / each))))
        while rest := len(group) - start:
            seconds = max(left / slots / COHORTS_PER_SLOT, shortest)
            most = min(widest, max(least, int(seconds / each)))
            size = math.ceil(rest / math.ceil(rest / most))  # alike, not full ones and a small last one
            plans.append(CohortPlan(group, start, start + size, size * each))
            left -= size * each
            start += size
    return sorted(plans, key=lambda plan: -plan.seconds)  # stable: a pure function of the runs


def shortest_first(plans: Sequence[CohortPlan], slots: int) -> list[CohortPlan]:
    """Moves the last and shortest cohort to the front: its rows come soon, and the makespan is hardly longer.

    If every cohort has a slot of its own, the order stays as it is.
    """
    return [*plans[-1:], *plans[:-1]] if len(plans) > slots else list(plans)


def _keys(runs: Sequence[Run]) -> Iterable[str]:
    return runs.keys() if isinstance(runs, LazyRuns) else (run.key for run in runs)


def _structure(run: Run) -> tuple[object, ...]:
    kind = objectives.find(run.algorithm).kind
    return (run.budget, run.precision, run.data, run.configuration.structure, kind)


def _order(run: Run) -> tuple[object, ...]:
    return (*_structure(run), run.configuration, run.seed, run.lam, run.algorithm)
