"""A ring in the plane."""

from __future__ import annotations

import functools
import math
from typing import final

import torch
from torch import Tensor

from trainables.datasets.base import DataSet


@final
class Ring(DataSet):
    """512 training and 256 test points at distance 1 from the origin, with noise of 0.05."""

    name = "ring"
    version = "ring-v1"
    shape = (2,)
    x_dim = z_dim = noise_dim = 2

    @property
    def train(self) -> Tensor:
        """The first 512 points."""
        return _points()[:512]

    @property
    def test(self) -> Tensor:
        """The others."""
        return _points()[512:]


@functools.cache
def _points() -> Tensor:
    draw = torch.Generator().manual_seed(0)
    angle, radius = 2 * math.pi * torch.rand(768, generator=draw), 1 + 0.05 * torch.randn(768, generator=draw)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1)
