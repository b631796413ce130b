"""Successive halving: at each rung the losers leave, the survivors go on in full cohorts.

Source   Jamieson & Talwalkar 2016, algorithm 1, with rungs in place of brackets' budgets; η as in Li et al. 2018.

Departures
1. A rung is an evaluation of the learning curve, the first one that comes after budget / ηᵏ iterations, so that a
   survivor's curve is that of a run that was never halved.
2. Rungs are synchronous, where ASHA (Li et al. 2020) promotes whoever is ahead when a device falls free: who survives
   is a pure function of the stored rows, and does not depend on which run came first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from result_metrics import MetricInfo
from result_schema import FINISHED, Outcome
from sweeps.planning.stages import Stage, State
from sweeps.store.declared_rows import STORED_KEY
from trainables.iterations import evaluated_every
from trainables.runs import Run

Rows = Mapping[str, Mapping[str, Any]]
"""Run key -> columns of its row, and under `curve` its evaluations: iteration -> metrics."""


@dataclass(frozen=True)
class Halving:
    """How runs are halved.

    Attributes:
        factor: η; the best 1/η of a population survive a rung.
        metric: the search metric that says which, of those that are taken at every evaluation.

    Raises:
        ValueError: η < 2.
    """

    factor: int
    metric: MetricInfo

    def __post_init__(self) -> None:
        if self.factor < 2:
            raise ValueError(f"halving must keep the best 1/2 or less, that is be >= 2, got {self.factor}")

    def rungs(self, budget: int) -> tuple[int, ...]:
        """Iterations of the rungs of runs of this budget, ascending.

        Raises:
            ValueError: there is no evaluation before the last one.
        """
        every, found, share = evaluated_every(budget), set[int](), budget / self.factor
        while every not in found:
            found.add(math.ceil(share / every) * every)
            share /= self.factor
        if max(found) >= budget:
            raise ValueError(
                f"halving needs an evaluation before the last one: iterations must be > {every}, got {budget}"
            )
        return tuple(sorted(found))

    def sizes(self, size: int, budget: int) -> list[int]:
        """Of a population of so many, how many are trained to each rung and, last, to the end."""
        return [max(1, size // self.factor**k) for k in range(len(self.rungs(budget)) + 1)]


def stages(
    populations: Sequence[Sequence[Run]], halving: Halving | None, stored: Callable[[], Rows]
) -> Iterator[Stage]:
    """What is to be trained, rung after rung; without `halving` all of it at once.

    A stage's runs are expected to be stored, as far as they can be, when the next one is asked for.

    Args:
        populations: runs that compete, of one budget; each population by itself, all side by side.
        halving: how, or None.
        stored: the rows as they are now.
    """
    budget = next((run.budget for population in populations for run in population), 1)
    rungs = (*halving.rungs(budget), budget) if halving else (budget,)
    sizes = [halving.sizes(len(p), budget) if halving else [len(p)] for p in populations]
    alive, over = [list(population) for population in populations], set[str]()
    for k, rung in enumerate(rungs):
        rows = stored()
        if k and halving:
            for p, population in enumerate(alive):
                ranked = sorted(
                    population, key=lambda run: (loss(rows, run, rungs[k - 1], halving.metric), run.key)
                )
                alive[p] = ranked[: sizes[p][k]]
                over |= {run.key for run in ranked[sizes[p][k] :]}
        missing = tuple(run for population in alive for run in population if not _reached(rows, run, rung))
        if missing:
            stopped = {r.key: state for r in missing if (state := _state(rows, r.key)) is not None}
            renamed = {key: old for key in stopped if (old := rows[key].get(STORED_KEY, key)) != key}
            later = sum(sum(size[k + 1 :]) for size in sizes)
            yield Stage(missing, rung, stopped, frozenset(waiting(rows, over)), later, renamed)


def waiting(rows: Rows, over: set[str]) -> set[str]:
    """Names of the stored states that may still be continued, where the runs of these keys go no further."""
    states = (_state(rows, key) for key in rows.keys() - over)
    return {state[1] for state in states if state is not None}


def _state(rows: Rows, key: str) -> State | None:
    row = rows.get(key)
    return (row["iterations"], row["cohort_key"]) if row and row["outcome"] == Outcome.STOPPED else None


def _reached(rows: Rows, run: Run, rung: int) -> bool:
    """Whether a run is stored at a rung, or ended before."""
    row = rows.get(run.key, {})
    return row.get("outcome") in FINISHED or (
        row.get("outcome") == Outcome.STOPPED and row["iterations"] >= rung
    )


def loss(rows: Rows, run: Run, rung: int, metric: MetricInfo) -> float:
    """The metric at a rung, the smaller the better; infinite if the run is not there, or has diverged by then."""
    row = rows.get(run.key, {})
    value = row.get("curve", {}).get(rung, {}).get(metric.name)
    if value is None or not math.isfinite(value) or (row["diverged_at"] or math.inf) <= rung:
        return math.inf
    return -float(metric.better * value)
