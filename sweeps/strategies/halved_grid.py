"""Strategy that halves a grid: successive halving of declared configurations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import final

from rich.console import Console

from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from sweeps.strategies.halving import Halving, loss, stages, waiting
from sweeps.strategies.staged import StagedStrategy, described, weighed
from sweeps.study.grid import Grid
from trainables.runs import Run


@final
class HalvedGrid(StagedStrategy):
    """Halves a grid: the configurations of each algorithm, λ and seed are one population.

    Args:
        grid: the declared runs.
        halving: its settings.
        store: the study's, whose rows decide; need not exist yet.
    """

    def __init__(self, grid: Grid, halving: Halving, store: Store) -> None:
        self.grid = grid
        self.populations: dict[tuple[str, float, int], list[Run]] = {}
        for run in grid:
            self.populations.setdefault((run.algorithm, run.lam, run.seed), []).append(run)
        super().__init__(grid.study, grid.precision, store, halving)

    @property
    def declared(self) -> int:
        return len(self.grid)

    @property
    def todo(self) -> int:
        return len(self._next.runs) if self._next else 0

    def run_keys(self) -> Iterable[str]:
        return (run.key for run in self.grid)

    @property
    def share(self) -> float:
        """Fraction of the grid's iterations that is trained if none is stored."""
        sizes, ends = self._rungs()
        trained = sum(n * (b - a) for n, a, b in zip(sizes, [0, *ends], ends, strict=False))
        return trained / (sizes[0] * self.grid.budget)

    def plan(self) -> str:
        """Numbers of runs trained to each rung if none is stored, in words."""
        words = ", ".join(f"{n} runs to {i}" for n, i in zip(*self._rungs(), strict=True))
        return f"{words}: {self.share:.0%} of the iterations"

    def _rungs(self) -> tuple[list[int], list[int]]:
        """Number of runs trained to each rung, and the rungs' iterations; the last one is the budget."""
        assert self.halving
        budget, populations = self.grid.budget, self.populations.values()
        sizes = [self.halving.sizes(len(population), budget) for population in populations]
        return list(map(sum, zip(*sizes, strict=True))), [*self.halving.rungs(budget), budget]

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        stage = next(self._stages(), None)
        return len(stage.runs) if stage else 0

    def conclude(self, console: Console) -> None:
        """Prints the best run of each population; drops the states from which no run continues."""
        rows = self._rows()
        done = next(self._stages(), None) is None
        if done:
            self.store.drop_states(self.store.states() - waiting(rows, set(self.run_keys())))
        assert self.halving
        metric = self.halving.metric
        for (algorithm, lam, seed), runs in self.populations.items():
            best = min(runs, key=lambda run: loss(rows, run, run.budget, metric))
            if math.isfinite(loss(rows, best, best.budget, metric)):
                value = rows[best.key][metric.name]
                console.print(
                    f"best      {weighed(algorithm, lam)} seed {seed}: {metric.name} {value:.4g} with {described(best.configuration.content)}"
                )
            elif done:
                console.print(f"best      {weighed(algorithm, lam)} seed {seed}: none, for no run COMPLETED with a value of {metric.name}")  # fmt: skip

    def _stages(self) -> Iterator[Stage]:
        return stages(list(self.populations.values()), self.halving, self._rows)
