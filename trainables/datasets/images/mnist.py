"""MNIST: handwritten digits.

Source: LeCun et al. 1998.
"""

from __future__ import annotations

from typing import final

from trainables.datasets.files.idx import Idx
from trainables.datasets.images.base import Images


@final
class Mnist(Images):
    """60,000 digits to train on, 28×28 pixels."""

    name = "mnist"
    shape = (28, 28)
    ink = True
    x_dim = 28 * 28
    z_dim = 64
    noise_dim = 64
    classes = 10
    home = "yann.lecun.com/exdb/mnist"
    files = Idx(("MNIST/raw", "mnist"))
