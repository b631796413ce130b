"""Shifts of a domain: maps of grey images in [0, 1] to images of the same things that look otherwise, and images seen through one."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, max_pool2d, pad

from trainables.datasets.base import DataSet

Shift = Callable[[Tensor], Tensor]
"""Images [n, height, width] to as many."""

ANGLE = 30.0
"""Degrees by which `rotated` images are turned."""


def inverted(images: Tensor) -> Tensor:
    """Light for dark."""
    return 1 - images


def rotated(images: Tensor) -> Tensor:
    """Turned anticlockwise by `ANGLE`, with bilinear interpolation; 0 comes in from outside."""
    cos, sin = math.cos(math.radians(ANGLE)), math.sin(math.radians(ANGLE))
    turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]]).expand(len(images), 2, 3)
    grid = affine_grid(turn, [len(images), 1, *images.shape[1:]], align_corners=False)
    return grid_sample(images.unsqueeze(1), grid, align_corners=False).squeeze(1)


def thickened(images: Tensor) -> Tensor:
    """Every pixel as light as the lightest of itself and its eight neighbours."""
    return max_pool2d(images.unsqueeze(1), 3, stride=1, padding=1).squeeze(1)


def moved(images: Tensor) -> Tensor:
    """A pixel to the right and a pixel down; 0 comes in from outside."""
    return pad(images, (1, -1, 1, -1))


SHIFTS: dict[str, Shift] = {
    "inverted": inverted, "moved": moved, "rotated": rotated, "thickened": thickened,
}  # fmt: skip
"""Shifts by name."""


class Shifted(DataSet):
    """A second domain: every second training image of grey ones, the 2nd, 4th, …, and all test images, shifted.

    Args:
        data: the images.
        shift: of these, by name.
    """

    def __init__(self, data: DataSet, shift: str) -> None:
        super().__init__()
        self.data, self.shift = data, SHIFTS[shift]
        alike = ("shape", "x_dim", "z_dim", "noise_dim", "classes", "bounded")
        vars(self).update({name: getattr(data, name) for name in alike}, name=f"{data.name}-{shift}")

    @property
    def version(self) -> str:
        return f"{self.name}-v1"

    @property
    def train_points(self) -> int:
        return self.data.train_points // 2

    @property
    def stored(self) -> Tensor:
        return self.data.stored[1::2]

    def rows(self, stored: Tensor, numbers: Tensor) -> Tensor:
        return self._seen(self.data.rows(stored, 2 * numbers + 1))

    @property
    def train(self) -> Tensor:
        return self.rows(self.stored, torch.arange(self.train_points))

    @functools.cached_property
    def test(self) -> Tensor:
        return self._seen(self.data.test)

    def _seen(self, rows: Tensor) -> Tensor:
        """Rows [..., x_dim + classes] with their images shifted."""
        images, labels = rows.split([self.x_dim, self.classes], -1)
        moved = self.shift(images.reshape(-1, *self.shape))
        return torch.cat([moved.reshape(images.shape), labels], -1)
