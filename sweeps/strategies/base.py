"""What a study has to train: declared minus stored, of a grid that is known ahead."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import final

from rich.console import Console

from result_schema import FINISHED, GRID, read_runs
from sweeps.execution import resume
from sweeps.execution.cluster import Slots
from sweeps.planning import cohort_plans
from sweeps.store.store import Store
from sweeps.strategies.halving import Stage
from sweeps.study.grid import Grid
from trainables.runs import Run


class Work(ABC):
    """Declared minus stored, and how to train it."""

    @property
    @abstractmethod
    def declared(self) -> int:
        """How many runs are declared."""

    @property
    @abstractmethod
    def todo(self) -> int:
        """How many of them are to be trained, at most."""

    @property
    def already(self) -> int:
        """How many of the declared runs are stored."""
        return self.declared - self.todo

    def examples(self) -> Iterable[Run]:
        """Runs that between them need all that is compiled for the work, as far as they are known."""
        return ()

    @abstractmethod
    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        """Train them; the errors of cohorts that were lost for good."""

    @property
    def looks(self) -> tuple[int, ...]:
        """Units at which it is judged, by plan, whether to train on; none where all is trained."""
        return ()

    @property
    def sampler(self) -> str:
        """What proposes its runs, as rows say it."""
        return GRID

    def reported(self, store: Store, iterations: int) -> str | None:
        """The sampler whose rows of a budget the report is of: this one, or None, for the one with most rows, where all its
        runs were proposed, and trained, by others before.
        """
        rows = read_runs(store.uri)
        trained = zip(rows["sampler"].to_pylist(), rows["budget"].to_pylist(), strict=True)
        return self.sampler if (self.sampler, iterations) in trained else None

    @abstractmethod
    def run_keys(self) -> Iterable[str]:
        """Keys of the declared runs, of a search as far as they are proposed."""

    def stored(self, store: Store) -> dict[str, str]:
        """Run key -> outcome of the rows that are there."""
        rows = store.rows()
        return dict(zip(rows["run_key"].to_pylist(), rows["outcome"].to_pylist(), strict=True))

    def outcomes(self, stored: Mapping[str, str]) -> Counter[str]:
        """Outcome -> number of the declared runs that have it, where these are stored."""
        return Counter(stored[key] for key in self.run_keys() if key in stored)

    @abstractmethod
    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        """How many of the declared runs are still to be trained, where these are stored."""

    @abstractmethod
    def conclude(self, console: Console) -> None:
        """Say what came out that the report does not say."""


@final
class GridWork(Work):
    """Every run of a grid.

    Args:
        grid: what is declared.
        finished: keys of the runs that need no training.
    """

    def __init__(self, grid: Grid, finished: set[str]) -> None:
        self.grid, self.finished = grid, finished
        self.missing = cohort_plans.missing(grid, finished)

    @property
    def declared(self) -> int:
        return len(self.grid)

    @property
    def todo(self) -> int:
        return len(self.missing)

    def examples(self) -> Iterable[Run]:
        for group in self.missing.groups:  # in which the algorithm changes fastest
            yield from itertools.islice(group, len(self.grid.algorithms))

    def run_keys(self) -> Iterable[str]:
        return (run.key for run in self.grid)

    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        from sweeps.execution import tuner

        already, limits = self.already, cohort_limits(slots)
        begun = resume.begun(store, self.finished)
        cut_off = tuple(run for run in self.missing if run.key in begun) if begun else ()
        # What was cut off goes on from its state; the rest is planned without holding its runs.
        rest = (
            cohort_plans.missing(self.grid, self.finished | {run.key for run in cut_off})
            if cut_off
            else self.missing
        )
        stage = Stage(cut_off, self.grid.budget, {}, frozenset(), 0)
        plans = tuner.legs(stage, frozenset(), slots.count, *limits, begun) if cut_off else []
        plans += cohort_plans.cut(rest, slots.count, *limits)
        plans.sort(key=lambda plan: -plan.seconds)
        plans = cohort_plans.shortest_first(plans, slots.count)
        return tuner.train(store, plans, already, slots, console, self.sampler)

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        return sum(outcomes.get(key) not in FINISHED for key in self.run_keys())

    def conclude(self, console: Console) -> None:
        """Nothing: the report has it all."""


def cohort_limits(slots: Slots) -> tuple[int, int]:
    """The most members of a cohort, and the bytes that it may take."""
    if slots.device == "cpu":
        return cohort_plans.CPU_MEMBERS, cohort_plans.MEMORY
    return cohort_plans.GPU_MEMBERS, cohort_plans.GPU_MEMORY
