"""Record of what searches were told: a restart over thousands of results takes it up, and asks only for what comes after.

The rows are the truth. A generation is taken up where each of its runs still has the row that the search was told; from the
first one that has not, or that was not recorded, the sampler is asked anew, and proposes the same: it costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

import result_digests
from result_schema import Outcome
from sweeps.store.store import Store
from sweeps.strategies.sampling.samplers import GENERATION


@dataclass(frozen=True)
class Told:
    """A trial, and the result that a search was told of its run.

    Attributes:
        run_key: the run's.
        result: as `result_of`.
        params: proposed values, as numbers (Optuna's internal representation).
        state: name of Optuna's state.
        values: told to Optuna, if any.
        steps: iteration -> reported value.
        generation: NSGA-II's number of the generation, or None.
    """

    run_key: str
    result: list[Any]
    params: Mapping[str, float]
    state: str
    values: list[float] | None
    steps: list[tuple[int, float]]
    generation: int | None

    @classmethod
    def of(cls, trial: FrozenTrial, result: list[Any]) -> Told:
        """A trial that was told a result."""
        params = {
            name: distribution.to_internal_repr(trial.params[name])
            for name, distribution in trial.distributions.items()
        }
        steps = list(trial.intermediate_values.items())
        generation = trial.system_attrs.get(GENERATION)
        key, values = trial.user_attrs["run_key"], trial.values
        return cls(key, result, params, trial.state.name, values, steps, generation)

    def trial(self, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
        """The trial, as it was when it was told."""
        own = {name: distributions[name] for name in self.params}
        outcome = str(self.result[0])
        return create_trial(
            state=TrialState[self.state],
            values=self.values,
            params={name: own[name].to_external_repr(value) for name, value in self.params.items()},
            distributions=own,
            user_attrs={"run_key": self.run_key, "outcome": outcome},
            system_attrs={} if self.generation is None else {GENERATION: self.generation},
            intermediate_values=dict(self.steps),
            constraints=constraints(outcome),
        )


def constraints(outcome: str) -> dict[str, float]:
    """Constraints of a trial with this outcome: above 0, samplers rank it behind every feasible one."""
    return {"diverged": float(outcome == Outcome.DIVERGED)}


def result_of(row: Mapping[str, Any], metrics: Sequence[str]) -> list[Any]:
    """Columns of a row that a search is told: the outcome, the iterations of a STOPPED run, and the values of one with a result."""
    outcome = row.get("outcome", Outcome.FAILED)
    iterations = row["iterations"] if outcome == Outcome.STOPPED else None
    valued = outcome in (Outcome.COMPLETED, Outcome.STOPPED)
    return [str(outcome), iterations, *(row.get(name) for name in metrics if valued)]


def agreeing(
    generations: Sequence[Sequence[Told]], rows: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]
) -> int:
    """Number of generations, from the first, all of whose runs have the rows that were told."""
    for number, generation in enumerate(generations):
        if any(told.result != result_of(rows.get(told.run_key, {}), metrics) for told in generation):
            return number
    return len(generations)


class Record:
    """Keeps what a search was told, in whole generations, in the folder of digests.

    Args:
        store: the study's.
        declaration: all that determines the search's proposals, besides the results and the code.
        size: number of runs in a generation.
    """

    def __init__(self, store: Store, declaration: str, size: int) -> None:
        self._store, self._size, self._kept = store, size, 0
        self._name = f"search-{result_digests.digest(declaration)[:16]}"

    def recall(self) -> list[list[Told]]:
        """Recorded generations; none if there is no record, or other code made it."""
        known = result_digests.recall(self._store.filesystem, self._store.path, self._name)
        if not known or known.get("code") != _code() or not known["code"]:
            return []
        self._kept = len(known["generations"])
        return [[Told(**told) for told in generation] for generation in known["generations"]]

    def keep(self, generations: Sequence[Sequence[Told]], least: int = 1) -> None:
        """Records the generations before the first one that lacks a result or a run, if they are `least` more than are recorded."""
        whole = 0
        for generation in generations:
            if len(generation) < self._size or any(t.result[0] == Outcome.FAILED for t in generation):
                break
            whole += 1
        if _code() and whole >= self._kept + least:
            content = {"code": _code(), "generations": [[asdict(t) for t in g] for g in generations[:whole]]}
            result_digests.record(self._store.filesystem, self._store.path, self._name, content)
            self._kept = whole


def _code() -> str:
    return result_digests.code("sweeps", "trainables")
