"""Strategy that trains every run of a grid."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import final

from rich.console import Console

from result_schema import FINISHED
from sweeps.planning import cohort_plans
from sweeps.planning.stages import Stage
from sweeps.strategies.base import Strategy
from sweeps.study.grid import Grid
from trainables.runs import Run


@final
class FullGrid(Strategy):
    """Every run of a grid.

    Args:
        grid: the declared runs.
        finished: keys of the runs that need no training.
    """

    at_once = True

    def __init__(self, grid: Grid, finished: set[str]) -> None:
        self.grid = grid
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

    def stages(self) -> Iterator[Stage]:
        yield Stage(self.missing, self.grid.budget)

    def run_keys(self) -> Iterable[str]:
        return self.grid.keys()

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        return sum(outcomes.get(key) not in FINISHED for key in self.run_keys())

    def conclude(self, console: Console) -> None:
        """Prints nothing: the report shows it all."""
