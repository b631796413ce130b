"""What a study has to train: a grid, known ahead, or a search, proposed as results come in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

from rich.console import Console

from result_schema import read_runs
from sweeps import planning
from sweeps.cluster import Slots
from sweeps.grid import Grid
from sweeps.optuna_search import Search, Settings, generations, importances, save
from sweeps.store import Store
from sweeps.study import Preset, Study
from trainables import objectives
from trainables.runs import Configuration, Run


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

    @abstractmethod
    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        """Train them; the errors of cohorts that were lost for good."""

    @abstractmethod
    def run_keys(self) -> Iterable[str]:
        """Keys of the declared runs, of a search as far as they are proposed."""

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
        self.grid = grid
        self.missing = planning.missing(grid, finished)

    @property
    def declared(self) -> int:
        return len(self.grid)

    @property
    def todo(self) -> int:
        return len(self.missing)

    def run_keys(self) -> Iterable[str]:
        return (run.key for run in self.grid)

    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        from sweeps import execution

        plans = planning.cut(self.missing, slots.count, *_limits(slots))
        return execution.train(store, plans, self.declared - self.todo, slots, console)

    def conclude(self, console: Console) -> None:
        """Nothing: the report has it all."""


@final
class SearchWork(Work):
    """A search for each algorithm and λ, side by side.

    Args:
        study: whose space is searched.
        preset: iterations and λ; its seeds and limit are a grid's.
        algorithms: objectives.
        precision: of the networks' products.
        settings: how to search.
        store: whose rows are the history; need not exist yet.
        storage: Optuna storage for the histories, or None.

    Raises:
        ValueError: an algorithm is unknown.
    """

    def __init__(
        self,
        study: Study,
        preset: Preset,
        algorithms: Sequence[str],
        precision: str,
        settings: Settings,
        store: Store,
        storage: str | None,
    ) -> None:
        for name in algorithms:
            objectives.find(name)
        self.name, self.precision = study.name, precision
        self.store, self.settings, self.storage = store, settings, storage
        self.searches = {
            (algorithm, lam): Search(study.space, settings, _run_of(study, preset, algorithm, lam, precision))
            for algorithm in dict.fromkeys(algorithms)
            for lam in dict.fromkeys(map(float, preset.lambdas))
        }
        self._pending = generations(list(self.searches.values()), self._rows)
        self._next = next(self._pending, None)  # what is stored is told before
        self._told = sum(len(search.told) for search in self.searches.values())

    @property
    def declared(self) -> int:
        return sum(search.declared for search in self.searches.values())

    @property
    def todo(self) -> int:
        return self.declared - self._told if self._next else 0

    def run_keys(self) -> Iterable[str]:
        return (key for search in self.searches.values() for key in search.told)

    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        from sweeps import execution

        return execution.search(
            store, self._generations(), self._told, self.todo, slots, *_limits(slots), console
        )

    def conclude(self, console: Console) -> None:
        """The best configuration, or the Pareto front, of each search, and what mattered; saves the histories."""
        self._save()
        for (algorithm, lam), search in self.searches.items():
            for trial in search.best()[:5]:
                values = ", ".join(
                    f"{m} {v:.4g}" for m, v in zip(self.settings.metrics, trial.values, strict=True)
                )
                chosen = ", ".join(
                    f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                    for name, value in trial.params.items()
                )
                console.print(f"best      {algorithm} λ={lam:g}: {values} with {chosen}")
            for metric, shares in zip(self.settings.metrics, importances(search), strict=False):
                words = ", ".join(f"{name} {share:.0%}" for name, share in list(shares.items())[:4])
                console.print(
                    f"matters   {algorithm} λ={lam:g}: {metric}: {words or 'nothing: all runs agree'}"
                )

    def _generations(self) -> Iterator[list[Run]]:
        if self._next:
            yield self._next
        for runs in self._pending:
            self._save()
            yield runs

    def _save(self) -> None:
        if self.storage:
            for (algorithm, lam), search in self.searches.items():
                save(
                    search, f"{self.settings.sampler}-{algorithm}-{lam:g}-{self.settings.seed}", self.storage
                )

    def _rows(self) -> Mapping[str, Mapping[str, Any]]:
        if not self.store.check(self.name, self.precision):
            return {}
        return {row["run_key"]: row for row in read_runs(self.store.uri).to_pylist()}


def _limits(slots: Slots) -> tuple[int, int]:
    """The most members of a cohort, and the bytes that it may take."""
    if slots.device == "cpu":
        return planning.CPU_MEMBERS, planning.MEMORY
    return planning.GPU_MEMBERS, planning.GPU_MEMORY


def _run_of(study: Study, preset: Preset, algorithm: str, lam: float, precision: str) -> Any:
    def run(configuration: Configuration) -> Run:
        return Run(study.name, algorithm, lam, 0, configuration, preset.iterations, precision=precision)

    return run
