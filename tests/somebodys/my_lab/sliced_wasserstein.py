"""The sliced Wasserstein distance."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor

from result_metrics import SMALLER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated
from trainables.randomness.streams import stream

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
        drawn = stream(self.name).standard_normal(
            (at.x.shape[-1], PROJECTIONS)
        )  # the same at every evaluation
        directions = torch.from_numpy(drawn / np.linalg.norm(drawn, axis=0)).to(at.x.device)
        ours, theirs = (points.double() @ directions for points in (at.generated, at.x))
        return (ours.sort(0).values - theirs.sort(0).values).square().mean().sqrt()
