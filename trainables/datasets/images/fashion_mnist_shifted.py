"""Two domains of images: half of Fashion-MNIST as it is, and the other half shifted."""

from __future__ import annotations

import functools
from typing import final

from trainables.datasets.base import DataSet
from trainables.datasets.files.base import Bytes
from trainables.datasets.files.prepared import Prepared, prepared
from trainables.datasets.images.fashion_mnist import FashionMnist
from trainables.datasets.shifts import SHIFTS, Shifted
from trainables.parameters import own


@final
class FashionMnistShifted(FashionMnist):
    """Every second article of those to train on and, as a second domain, the others, shifted. The files are those of Fashion-MNIST.

    Attributes:
        shift: of the second domain (`trainables.datasets.shifts`).
    """

    name = "fashion_mnist_shifted"
    z_dim = 28 * 28
    likelihood_points = 0
    shift: str = own("rotated", among=tuple(SHIFTS))

    @property
    def prepared(self) -> Prepared:
        return prepared(FashionMnist.name, self.files, self.x_dim)

    @functools.cached_property
    def other(self) -> DataSet:
        return Shifted(
            FashionMnist(**{name: v for name, v in self.own.items() if name != "shift"}), self.shift
        )

    def _bytes(self) -> Bytes:
        return super()._bytes()[::2]
