"""How many generated points are on the ring."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import LARGER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


@final
class OnRingShare(Metric):
    """Share, in [0, 1], of the generated points within 0.15 of the unit circle; of points in the plane."""

    name, label, better = "on_ring_share", "on-ring share", LARGER
    best, worst = 1.0, 0.0
    needs = ("decoder", "not classes", "not single")

    def __call__(self, at: Evaluated) -> Tensor:
        return ((at.generated.double().norm(dim=-1) - 1).abs() < 0.15).double().mean()
