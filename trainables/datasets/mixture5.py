"""The toy data of the robustness study: five Gaussians in the plane; the Gaussian that is nearest is a point's label."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from trainables.datasets import mixture
from trainables.datasets.base import DataSet


class Mixture5(DataSet):
    """2,048 training and 1,024 test points of the five Gaussians of `trainables.datasets.mixture`; what metrics read is exact."""

    name = "mixture5"
    version = mixture.DATA_VERSION
    shape = (mixture.X_DIM,)
    x_dim = mixture.X_DIM
    z_dim = mixture.Z_DIM
    classes = mixture.MODES
    noise_dim = 2  # as in the released ALICE code
    modes = mixture.MEANS
    mode_variance = mixture.VARIANCE

    @property
    def train(self) -> Tensor:
        return _labelled("train")

    @property
    def test(self) -> Tensor:
        return _labelled("test")

    def log_posterior(self, x: Tensor) -> Tensor:
        """Of the five Gaussians, exact."""
        return mixture.log_posterior(x)

    def log_density(self, x: Tensor) -> Tensor:
        """Of the five Gaussians, exact."""
        return mixture.log_density(x)


@functools.cache
def _labelled(part: str) -> Tensor:
    points: Tensor = getattr(mixture.load(), part)
    labels = mixture.log_posterior(points).argmax(-1)
    return torch.cat([points, torch.eye(mixture.MODES)[labels]], -1)
