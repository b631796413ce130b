"""Strategy that trains no more of a grid than decides the question: `--until decided`.

Nested balanced subsets of the configurations (of the seeds, if there is one configuration) are trained one after another. After
each the report's verdicts are read (`analysis.decision`), at levels at which all looks together err no more than one would
(`analysis.comparison.sequential`), and training ends once every verdict that the study asks for is decided.

The trained runs are a pure function of the declaration and of these subsets' rows: a study that was killed continues where it
was, and ends where it would have ended.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import final

import pyarrow.compute as pc
from rich.console import Console

from result_names import exact
from result_reading import read_runs
from result_schema import FINISHED
from sweeps.planning import cohort_plans
from sweeps.planning.remaining import words
from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from sweeps.strategies.staged import StagedStrategy
from sweeps.study import Preset, Study
from sweeps.study.grid import Grid
from trainables import objectives
from trainables.runs import Run

SHARES = (1 / 24, 1 / 12, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1.0)
"""Fractions of all units at which a study is looked at: few enough for full cohorts, enough to save half of a clear case."""

LEAST_UNITS = 12
"""Smallest number of units for an early look: with fewer there is no verdict among many."""

FEWEST = 5
"""Smallest number of units for which the report gives verdicts."""


def looks(units: int) -> tuple[int, ...]:
    """Units at each look at a study with `units` units, ascending; the last look is at all."""
    planned = {round(share * units) for share in SHARES}
    return tuple(sorted(n for n in planned if n >= LEAST_UNITS or n == units))


@final
class DecidedGrid(StagedStrategy):
    """Trains a grid subset after subset, until the study's question is decided.

    Args:
        study: its question.
        preset: declares the grid.
        grid: the declared runs.
        store: the study's, whose rows decide; need not exist yet.

    Raises:
        ValueError: a single algorithm, no λ that the study asks about, or too few units are declared.
    """

    may_end = True

    def __init__(self, study: Study, preset: Preset, grid: Grid, store: Store) -> None:
        if len(grid.algorithms) < 2:
            raise ValueError(f"--until decided must have two algorithms to compare, got {grid.algorithms[0]}")
        weighed = any(objectives.find(name).lam for name in grid.algorithms)
        asked = study.asked.lambdas if weighed else ()
        at = tuple(lam for lam in grid.lambdas if not asked or lam in asked)
        if not at:
            raise ValueError(f"--until decided must have one of the λ that {study.name} asks about "
                             f"({', '.join(map(exact, study.asked.lambdas))}), got {', '.join(map(exact, grid.lambdas))}")  # fmt: skip
        self.grid = grid
        self._asked = {"metrics": list(study.asked.metrics), "at": list(at)}
        several = len(grid.configurations) > 1
        self._looks = looks(len(grid.configurations) if several else grid.seeds)
        self._units = "configurations" if several else "seeds"
        if self._looks[-1] < FEWEST:
            raise ValueError(
                f"--until decided must have {FEWEST} {self._units} or more, got {self._looks[-1]}"
            )
        self._subsets = [
            replace(grid, configurations=tuple(study.subset(n))) if several else replace(grid, seeds=n)
            for n in self._looks
        ]
        self._reached: int | None = None  # look whose rows decided, or the last
        self._answers: dict[str, list[str]] = {"decided": [], "open": []}
        self._already = 0
        super().__init__(grid.study, grid.precision, store, None)

    @property
    def looks(self) -> tuple[int, ...]:
        return self._looks

    @property
    def declared(self) -> int:
        return len(self.grid)

    @property
    def todo(self) -> int:
        return len(self._next.runs) + self._next.later if self._next else 0

    @property
    def already(self) -> int:
        return self._already

    def examples(self) -> Iterable[Run]:
        for group in cohort_plans.missing(self._subsets[0], set()).groups:
            yield from itertools.islice(group, len(self.grid.algorithms))

    def run_keys(self) -> Iterable[str]:
        return (run.key for run in self.grid)

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        if self._reached is not None:
            return 0
        return sum(outcomes.get(run.key) not in FINISHED for run in self._subsets[-1])

    def plan(self) -> str:
        """The looks, in words."""
        *early, last = self._looks
        return (
            f"after {', '.join(map(str, early))} of {last} {self._units}"
            if early
            else f"after all {last} {self._units}"
        )

    def conclude(self, console: Console) -> None:
        """Prints the decided and the open verdicts, and the saved runs."""
        if self._reached is None:
            return
        units, total = self._looks[self._reached], self._looks[-1]
        for text in self._answers["decided"]:
            console.print(f"decided   {text}")
        for text in self._answers["open"]:
            console.print(f"open      {text}")
        saved = self.declared - len(self._subsets[self._reached])
        rows = read_runs(self.store.uri)
        mean = pc.mean(rows["train_seconds"]).as_py() or 0.0
        console.print(
            f"until     {units} of {total} {self._units} were needed, "
            + (
                f"{saved:,} of {self.declared:,} runs were not (about {words(saved * mean)} of one core or device)"
                if saved
                else "nothing was saved"
            )
        )

    def _stages(self) -> Iterator[Stage]:
        finished = self._finished()
        missing = [[run for run in subset if run.key not in finished] for subset in self._subsets]
        # Subsets that are trained in full were looked at before, and did not decide, except the last one.
        self._already = len(self.grid) - len(missing[-1])
        known = next((k for k, runs in enumerate(missing) if runs), len(missing))
        for k in range(max(known - 1, 0), len(self._looks)):
            if k >= known:
                finished = self._finished()
                runs = tuple(run for run in self._subsets[k] if run.key not in finished)
                later = len(missing[-1]) - len(missing[k])
                yield Stage(runs, self.grid.budget, later=later)
                finished = self._finished()
                if any(run.key not in finished for run in self._subsets[k]):
                    return  # trials were lost: a look needs all of its runs
            self._answers = self._look(k)
            if not self._answers["open"] or k == len(self._looks) - 1:
                self._reached = k
                return

    def _finished(self) -> set[str]:
        return self.store.finished() if self.store.check(self.name, self.precision) else set()

    def _look(self, k: int) -> dict[str, list[str]]:
        """Verdicts that the study asks for, after look k: 'decided' and 'open', in words."""
        subset = self._subsets[k]
        asked = {
            **self._asked,
            "iterations": subset.budget,
            "algorithms": list(subset.algorithms),
            "lambdas": list(subset.lambdas),
            "configurations": [configuration.key for _, configuration in subset.configurations],
            "seeds": subset.seeds,
            "looks": list(self._looks),
        }
        command = [sys.executable, "-m", "analysis.decision", self.store.uri]
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError((done.stderr.strip().splitlines() or [f"{' '.join(command)} failed"])[-1])
        answers: dict[str, list[str]] = json.loads(done.stdout)
        if not answers["decided"] and not answers["open"]:
            raise ValueError(f"--until decided must have a verdict to wait for, but of {len(self._subsets[k]):,} runs the report "
                             "gives none on what the study asks; leave --until out")  # fmt: skip
        return answers
