"""Strategy that searches a study's space with Optuna."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

from rich.console import Console

from result_schema import FINISHED
from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from sweeps.strategies.halving import stages
from sweeps.strategies.optuna_mirror import OptunaMirror
from sweeps.strategies.optuna_search import Search, Settings, generations
from sweeps.strategies.sampling.samplers import RECENT
from sweeps.strategies.sampling.told import Record, agreeing
from sweeps.strategies.staged import StagedStrategy, described, weighed
from sweeps.study import Preset, Study
from sweeps.study.grid import trained
from trainables import datasets, objectives
from trainables.runs import Configuration, Run, content_hash


@final
class Searches(StagedStrategy):
    """Searches for each algorithm and λ, side by side.

    Args:
        study: its space is searched.
        preset: iterations and λ; seeds and limit apply to grids only.
        algorithms: names of those to search.
        precision: arithmetic of the networks' products.
        settings: the same for every search.
        store: the study's, whose rows are the history; need not exist yet.
        storage: Optuna storage for the histories, or None.

    Raises:
        ValueError: an algorithm is unknown, or the storage cannot be used.
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
            objectives.check(name, study.data)
        self.study, self.settings = study, settings
        self.mirror = OptunaMirror(storage, self._warn) if storage is not None else None
        self._console: Console | None = None
        self.searches = {
            (algorithm, lam): Search(
                study.shared, settings, _run_of(study, preset, algorithm, lam, precision)
            )
            for algorithm in dict.fromkeys(algorithms)
            for lam, _ in trained([algorithm], preset.lambdas)
        }
        self.budget = preset.iterations
        self._records: dict[tuple[str, float], Record] = {}
        super().__init__(study.name, precision, store, settings.halving)
        self._told = sum(len(search.told) for search in self.searches.values())

    @property
    def declared(self) -> int:
        return sum(search.declared for search in self.searches.values())

    @property
    def todo(self) -> int:
        return self.declared - self._told if self._next else 0

    @property
    def sampler(self) -> str:
        return str(self.settings)

    def run_keys(self) -> Iterable[str]:
        return (run.key for search in self.searches.values() for runs in search.proposed for run in runs)

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        generations = [runs for search in self.searches.values() for runs in search.proposed if runs]
        rows = self._rows()
        missing = (next(stages([runs], self.halving, lambda: rows), None) for runs in generations)
        left = sum(len(stage.runs) for stage in missing if stage)
        return self.declared - sum(map(len, generations)) + left

    def conclude(self, console: Console) -> None:
        """Prints each search's best configuration or Pareto front; saves the histories, and remembers what was told."""
        self._save()
        self._remember()
        if self.mirror and (trouble := self.mirror.finish()):
            console.print(f"Optuna    {trouble}")
        for (algorithm, lam), search in self.searches.items():
            best = search.best()
            if not best:
                counts = ", ".join(f"{n} {outcome}" for outcome, n in search.outcomes().items())
                console.print(f"best      {weighed(algorithm, lam)}: none, for no run COMPLETED with a value of "
                              f"{' and '.join(self.settings.names)} ({counts or 'none was trained'})")  # fmt: skip
            for trial in best[:5]:
                values = ", ".join(
                    f"{m} {v:.4g}" for m, v in zip(self.settings.names, trial.values, strict=True)
                )
                console.print(f"best      {weighed(algorithm, lam)}: {values} with {described(trial.params)}")

    def begin(self, console: Console) -> None:
        self._console = console
        self._save()

    def settle(self) -> None:
        # STOPPED runs are left out: they may have to continue.
        rows = {key: row for key, row in self._rows().items() if row["outcome"] in FINISHED}
        for search in self.searches.values():
            search.tell(rows)

    def _stages(self) -> Iterator[Stage]:
        self._take_up()
        for stage in generations(list(self.searches.values()), self._rows):
            if self._console:  # else stored stages are passed over, and nothing is written
                self._save()
                self._remember(least=max(1, RECENT // self.settings.generation))
            yield stage

    def _take_up(self) -> None:
        """Takes up the recorded generations of all searches that still have their rows."""
        self._records = {
            key: Record(self.store, self._name(*key), self.settings.generation) for key in self.searches
        }
        recorded = {key: record.recall() for key, record in self._records.items()}
        if all(recorded.values()):
            rows = self._rows()
            same = min(agreeing(generations, rows, self.settings.names) for generations in recorded.values())
            for key, search in self.searches.items():
                search.take_up(recorded[key][:same])

    def _remember(self, least: int = 1) -> None:
        for key, search in self.searches.items():
            self._records[key].keep(search.recorded, least)

    def _later(self, stage: Stage) -> int:
        size = self.settings.generation
        rungs = sum(self.halving.sizes(size, self.budget)) if self.halving else size
        asked = sum(search.asked for search in self.searches.values())
        return stage.later + math.ceil((self.todo - asked) * rungs / size)

    def _save(self) -> None:
        if self.mirror:
            self.mirror.put({self._name(*key): search.results() for key, search in self.searches.items()})

    def _name(self, algorithm: str, lam: float) -> str:
        """Name of a search in an Optuna storage: all that distinguishes it from others, in words or in the hash."""
        s = self.settings
        version = datasets.find(self.study.data).version
        changed = objectives.find(algorithm).version
        system = algorithm if changed == 1 else f"{algorithm} version {changed}"
        halving = (s.halving.factor, s.halving.metric.name) if s.halving else None
        rest = content_hash([repr(dict(self.study.shared)), s.generation, halving, self.precision, version])
        weight = f", lambda {lam!r}" if objectives.find(algorithm).lam else ""
        return (
            f"{self.study.name} on {self.study.data}: {system}{weight}, {self.budget} iterations, "
            f"{s.sampler} seed {s.seed} for {' and '.join(s.names)} [{rest}]"
        )

    def _warn(self, words: str) -> None:
        if self._console:
            self._console.print(f"warning: {words}; training goes on")


def _run_of(study: Study, preset: Preset, algorithm: str, lam: float, precision: str) -> Any:
    def run(configuration: Configuration) -> Run:
        return Run(
            study.name,
            algorithm,
            lam,
            0,
            configuration,
            preset.iterations,
            precision=precision,
            data=study.data,
        )

    return run
