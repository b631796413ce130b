"""Base of the strategies that choose runs from earlier results, stage by stage."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from result_names import exact
from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from sweeps.strategies.base import Strategy
from sweeps.strategies.halving import Halving, Rows
from sweeps.strategies.stored_rows import StoredRows
from trainables import objectives
from trainables.runs import Run


class StagedStrategy(Strategy):
    """Chooses each stage from the stored rows of those before.

    Args:
        name: the study's.
        precision: arithmetic of the networks' products.
        store: the study's; need not exist yet.
        halving: its settings, or None.
    """

    def __init__(self, name: str, precision: str, store: Store, halving: Halving | None) -> None:
        self.name, self.precision, self.store, self.halving = name, precision, store, halving
        self._stored: StoredRows | None = None
        self.unit = "rungs" if halving else "runs"
        self._pending = self._stages()
        self._next = next(self._pending, None)  # passes over the stages that are stored

    @property
    def counted(self) -> int:
        return 0 if self.halving else self.already

    @property
    def trainings(self) -> int:
        return len(self._next.runs) + self._later(self._next) if self._next else 0

    def examples(self) -> Iterable[Run]:
        return self._next.runs if self._next else ()

    def stages(self) -> Iterator[Stage]:
        return itertools.chain([self._next], self._pending) if self._next else iter(())

    @abstractmethod
    def _stages(self) -> Iterator[Stage]:
        """Stages that are not stored, from the first one."""

    def _later(self, stage: Stage) -> int:
        """Upper bound on trainings after the first stage."""
        return stage.later

    def _rows(self) -> Rows:
        if not self.store.check(self.name, self.precision):
            return {}
        if self._stored is None:
            self._stored = StoredRows(self.store, curves=self.halving is not None)
        return self._stored.read()


def weighed(algorithm: str, lam: float) -> str:
    """Algorithm with its λ, if it has one, in words."""
    return f"{algorithm} λ={exact(lam)}" if objectives.find(algorithm).lam else algorithm


def described(values: Mapping[str, Any]) -> str:
    """Values of a configuration, in words."""
    return ", ".join(
        f"{name} {v:.4g}" if isinstance(v, float) else f"{name} {v}" for name, v in values.items()
    )
