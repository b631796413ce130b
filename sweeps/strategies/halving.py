"""Successive halving: at each rung the worse runs stop, and the others continue in full cohorts.

Source   Jamieson & Talwalkar 2016, algorithm 1, with rungs instead of brackets' budgets; η as in Li et al. 2018.

Departures
1. A rung is an evaluation of the learning curve, the first one that comes after budget / ηᵏ iterations, so that a
   survivor's curve is that of a run that was never halved.
2. Rungs are synchronous, while ASHA (Li et al. 2020) promotes the best run whenever a device is free: the survivors
   are a pure function of the stored rows, and do not depend on the order in which runs end.
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
"""Run key -> columns of its row, and `curve`, its evaluations: iteration -> metrics."""


@dataclass(frozen=True)
class Halving:
    """Settings of successive halving.

    Attributes:
        factor: η; the best 1/η of a population continue after a rung.
        metric: search metric by which runs are ranked; it must be taken at every evaluation.

    Raises:
        ValueError: η < 2.
    """

    factor: int
    metric: MetricInfo

    def __post_init__(self) -> None:
        if self.factor < 2:
            raise ValueError(f"halving must keep the best 1/2 or less, that is be >= 2, got {self.factor}")

    def rungs(self, budget: int) -> tuple[int, ...]:
        """Iterations of the rungs for runs with this budget, ascending.

        Raises:
            ValueError: the budget has no evaluation before the last one.
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
        """Numbers of runs, from a population of `size`, that are trained to each rung and, last, to the end."""
        return [max(1, size // self.factor**k) for k in range(len(self.rungs(budget)) + 1)]


def stages(
    populations: Sequence[Sequence[Run]], halving: Halving | None, stored: Callable[[], Rows]
) -> Iterator[Stage]:
    """Yields the stages that are not stored, rung after rung; without `halving` a single one.

    A stage's runs are expected to be stored, unless they were lost, when the next one is asked for.

    Args:
        populations: runs with one budget; the runs of a population compete, and all populations train side by side.
        halving: its settings, or None.
        stored: returns the present rows.
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
    """Names of the stored states that may still be continued.

    over: keys of the runs that stop.
    """
    states = (_state(rows, key) for key in rows.keys() - over)
    return {state[1] for state in states if state is not None}


def _state(rows: Rows, key: str) -> State | None:
    row = rows.get(key)
    return (row["iterations"], row["cohort_key"]) if row and row["outcome"] == Outcome.STOPPED else None


def _reached(rows: Rows, run: Run, rung: int) -> bool:
    """True if a run is stored at a rung or beyond, or ended before."""
    row = rows.get(run.key, {})
    return row.get("outcome") in FINISHED or (
        row.get("outcome") == Outcome.STOPPED and row["iterations"] >= rung
    )


def loss(rows: Rows, run: Run, rung: int, metric: MetricInfo) -> float:
    """The metric at a rung, signed so that smaller is better; infinite if the run is missing or has diverged by then."""
    row = rows.get(run.key, {})
    value = row.get("curve", {}).get(rung, {}).get(metric.name)
    if value is None or not math.isfinite(value) or (row["diverged_at"] or math.inf) <= rung:
        return math.inf
    return -float(metric.better * value)
