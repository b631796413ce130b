"""Small colour images."""

from __future__ import annotations

import functools
from typing import final

import torch
from torch import Tensor

from trainables.datasets.base import DataSet

SIDE, COLOURS = 8, 3


@final
class Blobs(DataSet):
    """A blob of one of three colours at a random place of an 8×8 image: 512 to train on, 256 to test; its colour is its label."""

    name = "blobs"
    version = "blobs-v1"
    shape = (COLOURS, SIDE, SIDE)
    x_dim = COLOURS * SIDE * SIDE
    z_dim = 4
    noise_dim = 4
    classes = COLOURS
    bounded = True

    @property
    def train(self) -> Tensor:
        """The first 512 images and labels."""
        return _images()[:512]

    @property
    def test(self) -> Tensor:
        """The others."""
        return _images()[512:]

    def log_posterior(self, x: Tensor) -> Tensor:
        """log p(colour | x), [..., 3]: of how much there is of each."""
        return torch.log_softmax(x.unflatten(-1, self.shape).sum((-1, -2)), -1)


@functools.cache
def _images() -> Tensor:
    """[768, 3·8·8 + 3]."""
    draw = torch.Generator().manual_seed(0)
    centre = 2 + 4 * torch.rand(768, 2, 1, generator=draw)
    place = torch.arange(SIDE) + 0.5
    rows, columns = ((-((place - axis) ** 2) / 2).exp() for axis in centre.unbind(1))
    colour = torch.randint(COLOURS, (768,), generator=draw)
    one_hot = torch.eye(COLOURS)[colour]
    images = one_hot[:, :, None, None] * (rows[:, :, None] * columns[:, None, :])[:, None]
    return torch.cat([images.flatten(1), one_hot], -1)
