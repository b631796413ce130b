"""Search by Optuna: it proposes generations of configurations, cohorts train them, and it is told each result.

A search is a declaration, as a grid is: its next generation is a pure function of the earlier generations' rows, the sampler
and its seed. So it does not depend on the schedule of its runs, and a killed search continues by being asked again: stored
results are told, missing runs are trained. Nothing else is kept.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import optuna
from optuna.study import StudyDirection
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from result_metrics import LARGER, MetricInfo
from result_schema import Outcome
from sweeps.planning.stages import Stage
from sweeps.strategies.halving import Halving, Rows, stages
from sweeps.strategies.optuna_mirror import History
from sweeps.strategies.sampling.proposals import configuration, distribution
from sweeps.strategies.sampling.samplers import RESULTS, SAMPLERS, shortened
from sweeps.strategies.sampling.told import Told, constraints, result_of
from sweeps.study import space as spaces
from sweeps.study.space import Space
from trainables.configurations import Configuration, fitted
from trainables.runs import Run

TRIES = 50
"""Repeated proposals that are passed over before a point is drawn at random."""


@dataclass(frozen=True)
class Settings:
    """Settings of a search.

    Attributes:
        sampler: one of SAMPLERS.
        metrics: search metrics; one, or two for the Pareto front (nsga2).
        runs: number of configurations to train.
        generation: number of configurations that are proposed before their results are told.
        seed: the sampler's.
        halving: settings by which a generation is halved, or None.

    Raises:
        ValueError: a name is unknown, a number < 1, or the number of metrics is not two for nsga2, one for another sampler.
    """

    sampler: str
    metrics: tuple[MetricInfo, ...]
    runs: int
    generation: int
    seed: int = 0
    halving: Halving | None = None

    def __str__(self) -> str:
        return f"{self.sampler} for {' and '.join(self.names)}, seed {self.seed}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the search metrics."""
        return tuple(metric.name for metric in self.metrics)

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ValueError(f"search must be one of grid, {', '.join(SAMPLERS)}, got {self.sampler!r}")
        count = 2 if self.sampler == "nsga2" else 1
        if len(self.names) != count or len(set(self.names)) != count:
            raise ValueError(f"{self.sampler} takes {'two metrics' if count == 2 else 'one metric'}, "
                             f"got {', '.join(self.names) or 'none'}; give --metrics")  # fmt: skip
        for name in ("runs", "generation"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")


@final
@dataclass
class Search:
    """Search over the configurations of a space, for one algorithm, λ and training seed.

    Attributes:
        space: to search.
        settings: the search's.
        run_of: returns the run of a configuration.
        history: Optuna's study, in memory; of many results those that the sampler still needs.
        told: keys of the runs whose results were told.
        trials: all that were told, in order.
        recorded: what was told, generation by generation.
        exhausted: True if no new configuration can be proposed.
        proposed: the runs of each generation, told or not.
    """

    space: Space
    settings: Settings
    run_of: Callable[[Configuration], Run]
    told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        spaces.check(self.space)
        self.directions = [
            StudyDirection.MAXIMIZE if m.better == LARGER else StudyDirection.MINIMIZE
            for m in self.settings.metrics
        ]
        self.history = optuna.create_study(directions=self.directions)
        self.trials: list[FrozenTrial] = []
        self.recorded: list[list[Told]] = []
        self.proposed: list[list[Run]] = []
        self.exhausted = False
        self._asked: list[tuple[optuna.Trial, Run]] = []

    @property
    def asked(self) -> int:
        """Number of runs that are proposed and not told."""
        return len(self._asked)

    @property
    def declared(self) -> int:
        """Number of declared runs: as many as the settings ask for, or the whole space if that is smaller."""
        return len(self.told) + self.asked if self.exhausted else self.settings.runs

    def ask(self) -> list[Run]:
        """Proposes the next generation, no run of which was proposed before; empty if the budget or the space is exhausted.

        Raises:
            RuntimeError: the last generation has not been told.
        """
        if self._asked:
            raise RuntimeError("tell the last generation's results before asking for the next one")
        left = self._left
        self._shorten()
        seed = zlib.crc32(f"{self.settings.seed}/{len(self.proposed)}".encode())
        kind = SAMPLERS[self.settings.sampler]
        kind.settle(self.history, self.settings.generation)
        self.history.sampler = kind.make(seed, self.settings.generation)
        doubled: list[optuna.Trial] = []
        tries = 0
        while len(self._asked) < left:
            if tries == TRIES and not self._enqueue_new(seed):
                self.exhausted = True
                break
            tries += 1
            trial = self.history.ask()
            run = self.run_of(configuration(trial, self.space))
            if run.key in self.told or any(run.key == other.key for _, other in self._asked):
                # Left running until the generation is complete: TPE then looks elsewhere ("constant liar").
                doubled.append(trial)
                continue
            trial.set_user_attr("run_key", run.key)
            self._asked.append((trial, run))
            tries = 0
        for trial in doubled:
            self.history.tell(trial, state=TrialState.FAIL)
        self.proposed.append([run for _, run in self._asked])
        return list(self.proposed[-1])

    def tell(self, rows: Rows) -> None:
        """Tells the asked generation's results: COMPLETED with their values, STOPPED as pruned at their iteration, DIVERGED as
        infeasible and worse than any value, FAILED or absent as failed, to be proposed again by a later start. COMPLETED
        without the metric, which the algorithm then lacks, is told as failed, too.

        Args:
            rows: run key -> columns of its row, `outcome` and the search metrics among them.
        """
        results = []
        for trial, run in self._asked:
            row = rows.get(run.key, {})
            outcome = row.get("outcome", Outcome.FAILED)
            trial.set_user_attr("outcome", str(outcome))
            for name, value in constraints(outcome).items():
                trial.set_constraint(name, value)
            self.told.add(run.key)
            values: list[Any] = [row.get(name) for name in self.settings.names]
            if outcome in (Outcome.COMPLETED, Outcome.STOPPED) and None in values:
                self.history.tell(trial, state=TrialState.FAIL)
            elif outcome == Outcome.COMPLETED:
                self.history.tell(trial, values)
            elif outcome == Outcome.STOPPED:
                trial.report(values[0], row["iterations"])
                self.history.tell(trial, state=TrialState.PRUNED)
            elif outcome == Outcome.DIVERGED:
                self.history.tell(trial, [_worst(m) for m in self.settings.metrics])
            else:
                self.history.tell(trial, state=TrialState.FAIL)
            results.append(result_of(row, self.settings.names))
        there = self.history.get_trials(deepcopy=False)
        ended = [there[trial.number] for trial, _ in self._asked]
        self._keep(ended, [Told.of(*one) for one in zip(ended, results, strict=True)])
        self._asked = []

    def take_up(self, generations: Sequence[Sequence[Told]]) -> None:
        """Takes up generations that were told before, in place of asking for them and telling them."""
        distributions = {name: distribution(dimension) for name, dimension in self.space.items()}
        for generation in generations:
            trials = [told.trial(distributions) for told in generation]
            runs = [self.run_of(configuration(FixedTrial(trial.params), self.space)) for trial in trials]
            if [run.key for run in runs] != [told.run_key for told in generation] or len(runs) != self._left:
                break
            self._shorten()
            self.history.add_trials(trials)
            self.proposed.append(runs)
            self.told |= {run.key for run in runs}
            self._keep(trials, list(generation))

    @property
    def _left(self) -> int:
        """Size of the next generation."""
        return min(self.settings.generation, self.settings.runs - len(self.told))

    def _shorten(self) -> None:
        self.history = shortened(self.history, SAMPLERS[self.settings.sampler], self.settings.generation)

    def _keep(self, trials: Sequence[FrozenTrial], results: list[Told]) -> None:
        self.trials += trials
        self.recorded.append(results)

    def best(self) -> list[FrozenTrial]:
        """The best COMPLETED run, or the Pareto front of two metrics; empty if none COMPLETED."""
        completed = [
            trial
            for trial in self.trials
            if trial.state == TrialState.COMPLETE and trial.user_attrs["outcome"] == Outcome.COMPLETED
        ]
        if len(self.settings.metrics) > 1:
            whole = optuna.create_study(directions=self.directions)
            whole.add_trials(completed)
            return whole.best_trials
        better = self.settings.metrics[0].better
        return sorted(completed, key=lambda trial: -better * trial.values[0])[:1]

    def results(self) -> History:
        """Told results that have a value."""
        told = [trial for trial in self.trials if trial.state in RESULTS]
        return History(self.settings.names, self.directions, told)

    def outcomes(self) -> Counter[str]:
        """Outcome -> number of told runs."""
        return Counter(trial.user_attrs["outcome"] for trial in self.trials)

    def _enqueue_new(self, seed: int) -> bool:
        """Enqueues a grid point that was not proposed; False if there is none, or the space is no grid."""
        if not spaces.is_grid(self.space):
            return False
        asked = self.told | {run.key for _, run in self._asked}
        points = [c for c in spaces.points(self.space) if self.run_of(fitted(c)).key not in asked]
        if points:
            self.history.enqueue_trial(points[(seed + len(asked)) % len(points)])
        return bool(points)


def generations(searches: Sequence[Search], rows: Callable[[], Rows]) -> Iterator[Stage]:
    """Yields the stages of one generation after the other, of all searches together.

    A generation's results are told when the next one is asked for; it must be trained before.

    Args:
        searches: with the same settings; their runs train together.
        rows: returns the stored rows by run key.
    """
    halving = searches[0].settings.halving
    while any(asked := [search.ask() for search in searches]):
        yield from stages(asked, halving, rows)
        stored = rows()
        for search in searches:
            search.tell(stored)


def _worst(metric: MetricInfo) -> float:
    return -metric.better * math.inf
