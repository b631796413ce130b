"""Structural similarity of images and their reconstructions."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import LARGER
from trainables.estimators.similarity import ssim
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


@final
class Ssim(Metric):
    """Structural similarity of test images x and their reconstructions x_θ(z_φ(x, ε), ξ), in [−1, 1], without a unit.

    Source: Wang et al. 2004. Images of at least 11 × 11 pixels have it, mean over windows, channels and test points.
    """

    name, label, better = "ssim", "SSIM", LARGER
    best, worst = 1.0, -1.0
    needs = ("encoder", "windowed")

    def __call__(self, at: Evaluated) -> Tensor:
        shape = at.data.shape if len(at.data.shape) == 3 else (1, *at.data.shape)
        return ssim(at.x.unflatten(-1, shape), at.x_again.unflatten(-1, shape)).mean()
