"""Metrics that are none."""

from __future__ import annotations

from torch import Tensor

from result_metrics import SMALLER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


class _Bad(Metric):
    """Has a label."""

    label, better = "bad", SMALLER


class PerPoint(_Bad):
    """One number a point."""

    name = "per_point"

    def __call__(self, at: Evaluated) -> Tensor:
        return at.generated.norm(dim=-1)


class Count(_Bad):
    """A whole number."""

    name = "count"

    def __call__(self, at: Evaluated) -> Tensor:
        return (at.generated > 0).sum()


class Plain(_Bad):
    """No tensor."""

    name = "plain"

    def __call__(self, at: Evaluated) -> Tensor:
        return 1.0  # type: ignore[return-value]


class Branching(_Bad):
    """Branches on a value, which vmap has not."""

    name = "branching"

    def __call__(self, at: Evaluated) -> Tensor:
        return at.generated.mean() if at.generated.mean() > 0 else at.generated.std()


class Wrong(_Bad):
    """Multiplies what cannot be."""

    name = "wrong"

    def __call__(self, at: Evaluated) -> Tensor:
        return (at.generated @ at.generated).sum()


class Twin(_Bad):
    """Has another metric's name."""

    name = "mse_x"

    def __call__(self, at: Evaluated) -> Tensor:
        return at.generated.mean()


class Seed(_Bad):
    """Has a column's name."""

    name = "seed"

    def __call__(self, at: Evaluated) -> Tensor:
        return at.generated.mean()
