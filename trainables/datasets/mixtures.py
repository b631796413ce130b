"""Two domains in the plane: the five Gaussians of the toy data, and another mixture that there is no pairing with."""

from __future__ import annotations

import functools
import math
from typing import final

import numpy as np
import torch
from torch import Tensor

from trainables.datasets import mixture
from trainables.datasets.base import DataSet, Means, squared_distances
from trainables.datasets.mixture5 import Mixture5
from trainables.parameters import own
from trainables.randomness.streams import stream

_DIAGONAL = 2 * math.sqrt(2)

SECOND: dict[str, Means] = {
    "rotated": ((0.0, 0.0), (_DIAGONAL, 0.0), (-_DIAGONAL, 0.0), (0.0, -_DIAGONAL), (0.0, _DIAGONAL)),
    "two": ((-2.0, 0.0), (2.0, 0.0)),
}
"""Means of the second domain's Gaussians: the five of the first in their order, rotated clockwise by 45°, or two."""


class Gaussians(DataSet):
    """Equally likely Gaussians in the plane of the toy data's variance; 2,048 training and 1,024 test points.

    Args:
        name: what its points are drawn by.
        means: of the Gaussians.
    """

    shape = (mixture.X_DIM,)
    x_dim = mixture.X_DIM
    z_dim = mixture.Z_DIM
    noise_dim = 2
    mode_variance = mixture.VARIANCE

    def __init__(self, name: str, means: Means) -> None:
        super().__init__()
        vars(self).update(name=name, plain=name, modes=means, classes=len(means))

    @property
    def version(self) -> str:
        return f"{self.name}-v1"

    @functools.cached_property
    def train(self) -> Tensor:
        return self._drawn("train", mixture.TRAIN_POINTS)

    @functools.cached_property
    def test(self) -> Tensor:
        return self._drawn("test", mixture.TEST_POINTS)

    def log_posterior(self, x: Tensor) -> Tensor:
        """Of the Gaussians, exact."""
        return torch.log_softmax(-squared_distances(x, self.modes) / (2 * self.mode_variance), dim=-1)

    def _drawn(self, part: str, count: int) -> Tensor:
        rng = stream(self.version, part)
        component = rng.integers(self.classes, size=count)
        noise = self.mode_std * rng.standard_normal((count, self.x_dim))
        points = (np.asarray(self.modes)[component] + noise).astype(np.float32)
        return torch.cat([torch.from_numpy(points), torch.eye(self.classes)[component]], -1)


@final
class Mixtures(Mixture5):
    """The toy data and, as a second domain, five Gaussians of which the outer four lie on the axes, or two Gaussians.

    Attributes:
        second: second domain.
    """

    name = "mixtures"
    second: str = own("rotated", among=tuple(SECOND))

    @property
    def version(self) -> str:  # type: ignore[override]
        return f"{self.name}-v1"

    @functools.cached_property
    def other(self) -> DataSet:
        return Gaussians(f"gaussians-{self.second}", SECOND[self.second])
