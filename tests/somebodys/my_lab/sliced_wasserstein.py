"""The sliced Wasserstein distance."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from result_metrics import SMALLER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated

PROJECTIONS = 32


@final
class SlicedWasserstein(Metric):
    """Root of the mean, over 32 fixed directions, of W_2² between projected generated and test points, in [0, ∞), in units of the data.

    Source: Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", eq. 4.
    """

    name, label, better = "sliced_wasserstein", "sliced Wasserstein distance", SMALLER
    log, smallest = True, 1.1
    needs = ("decoder", "not single")

    def __call__(self, at: Evaluated) -> Tensor:
        directions = torch.randn(
            at.x.shape[-1], PROJECTIONS, generator=torch.Generator().manual_seed(0)
        ).double()
        directions = (directions / directions.norm(dim=0)).to(at.x.device)
        ours, theirs = (points.double() @ directions for points in (at.generated, at.x))
        return (ours.sort(0).values - theirs.sort(0).values).square().mean().sqrt()
