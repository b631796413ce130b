"""What a study has to train in stages: what survives of a grid, or is proposed by a search, as results come in."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

from rich.console import Console

from result_schema import FINISHED, exact, read_curves
from sweeps.execution.cluster import Slots
from sweeps.store.declared_rows import STORED_KEY
from sweeps.store.store import Store
from sweeps.strategies.base import Work, cohort_limits
from sweeps.strategies.halving import Halving, Rows, Stage, loss, stages, waiting
from sweeps.strategies.optuna_mirror import OptunaMirror
from sweeps.strategies.optuna_search import Search, Settings, generations
from sweeps.study import Preset, Study
from sweeps.study.grid import Grid, trained
from trainables import datasets, objectives
from trainables.runs import Configuration, Run, content_hash


class StagedWork(Work):
    """Runs that are trained in stages, each known when the rows of the last are stored.

    Args:
        name: of the study.
        precision: of the networks' products.
        store: whose rows decide; need not exist yet.
        halving: how runs are halved, or None.
    """

    may_end = False
    """Whether its results can say that no other stage is needed."""

    def __init__(self, name: str, precision: str, store: Store, halving: Halving | None) -> None:
        self.name, self.precision, self.store, self.halving = name, precision, store, halving
        self._pending = self._stages()
        self._next = next(self._pending, None)  # what is stored is gone through before

    def examples(self) -> Iterable[Run]:
        return self._next.runs if self._next else ()

    @abstractmethod
    def _stages(self) -> Iterator[Stage]:
        """What is not stored, anew."""

    def _later(self, stage: Stage) -> int:
        """How often runs will be trained after the first stage, at most."""
        return stage.later

    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        from sweeps.execution import tuner
        from sweeps.execution.progress import StudyProgress

        if self._next is None:
            return []
        rest = itertools.chain([self._next], self._pending)
        most = len(self._next.runs) + self._later(self._next)
        already, unit = (0, "rungs") if self.halving else (self.already, "runs")
        progress = StudyProgress(already, most, console, slots, unit, self.may_end)
        errors = tuner.train_stages(store, rest, progress, slots, *cohort_limits(slots), self.sampler)
        self._settle()
        return errors

    def _settle(self) -> None:
        """Take up what was stored of a stage after which no other was asked for: training was interrupted."""

    def _rows(self) -> Rows:
        if not self.store.check(self.name, self.precision):
            return {}
        rows = {row["run_key"]: {**row, "curve": dict[int, Any]()} for row in self.store.rows().to_pylist()}
        curves = {row[STORED_KEY]: row["curve"] for row in rows.values()}
        for point in read_curves(self.store.uri).to_pylist():
            if point["run_key"] in curves:
                curves[point["run_key"]][point["iteration"]] = point
        return rows


@final
class HalvedGrid(StagedWork):
    """The runs of a grid, halved: the configurations of each algorithm, λ and seed are one population.

    Args:
        grid: what is declared.
        halving: how.
        store: whose rows decide; need not exist yet.
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
        """Part of the grid's iterations that is trained, where none is stored."""
        sizes, ends = self._rungs()
        trained = sum(n * (b - a) for n, a, b in zip(sizes, [0, *ends], ends, strict=False))
        return trained / (sizes[0] * self.grid.budget)

    def plan(self) -> str:
        """Words for how many are trained how far, where none is stored."""
        words = ", ".join(f"{n} runs to {i}" for n, i in zip(*self._rungs(), strict=True))
        return f"{words}: {self.share:.0%} of the iterations"

    def _rungs(self) -> tuple[list[int], list[int]]:
        """How many runs are trained to each rung, and its iterations; the last one is the budget."""
        assert self.halving
        budget, populations = self.grid.budget, self.populations.values()
        sizes = [self.halving.sizes(len(population), budget) for population in populations]
        return list(map(sum, zip(*sizes, strict=True))), [*self.halving.rungs(budget), budget]

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        stage = next(self._stages(), None)
        return len(stage.runs) if stage else 0

    def conclude(self, console: Console) -> None:
        """The best that survived of each population; drops the states that no run continues from."""
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
                    f"best      {_at(algorithm, lam)} seed {seed}: {metric.name} {value:.4g} with {_words(best.configuration.content)}"
                )
            elif done:
                console.print(f"best      {_at(algorithm, lam)} seed {seed}: none, for no run COMPLETED with a value of {metric.name}")  # fmt: skip

    def _stages(self) -> Iterator[Stage]:
        return stages(list(self.populations.values()), self.halving, self._rows)


@final
class SearchWork(StagedWork):
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
        ValueError: an algorithm is unknown, or the storage can be none.
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
        """The best configuration, or the Pareto front, of each search; saves the histories."""
        self._save()
        if self.mirror and (trouble := self.mirror.finish()):
            console.print(f"Optuna    {trouble}")
        for (algorithm, lam), search in self.searches.items():
            if not search.best():
                counts = ", ".join(f"{n} {outcome}" for outcome, n in search.outcomes().items())
                console.print(f"best      {_at(algorithm, lam)}: none, for no run COMPLETED with a value of "
                              f"{' and '.join(self.settings.names)} ({counts or 'none was trained'})")  # fmt: skip
            for trial in search.best()[:5]:
                values = ", ".join(
                    f"{m} {v:.4g}" for m, v in zip(self.settings.names, trial.values, strict=True)
                )
                console.print(f"best      {_at(algorithm, lam)}: {values} with {_words(trial.params)}")

    def train(self, store: Store, slots: Slots, console: Console) -> list[str]:
        self._console = console
        self._save()
        return super().train(store, slots, console)

    def _settle(self) -> None:
        # Not what is STOPPED: it may be to go on.
        rows = {key: row for key, row in self._rows().items() if row["outcome"] in FINISHED}
        for search in self.searches.values():
            search.tell(rows)

    def _stages(self) -> Iterator[Stage]:
        for stage in generations(list(self.searches.values()), self._rows):
            if self._console:  # else what is stored is gone through, and nothing written
                self._save()
            yield stage

    def _later(self, stage: Stage) -> int:
        size = self.settings.generation
        rungs = sum(self.halving.sizes(size, self.budget)) if self.halving else size
        asked = sum(search.asked for search in self.searches.values())
        return stage.later + math.ceil((self.todo - asked) * rungs / size)

    def _save(self) -> None:
        if self.mirror:
            self.mirror.put({self._name(*key): search.results() for key, search in self.searches.items()})

    def _name(self, algorithm: str, lam: float) -> str:
        """Of a search in an Optuna storage: all that makes it another search than others there, as words or in the hash."""
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


def _at(algorithm: str, lam: float) -> str:
    """An algorithm and, where it has it, its λ."""
    return f"{algorithm} λ={exact(lam)}" if objectives.find(algorithm).lam else algorithm


def _words(values: Mapping[str, Any]) -> str:
    """A configuration as one reads it."""
    return ", ".join(
        f"{name} {v:.4g}" if isinstance(v, float) else f"{name} {v}" for name, v in values.items()
    )


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
