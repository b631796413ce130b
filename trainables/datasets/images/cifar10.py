"""CIFAR-10: small photographs of ten kinds of things.

Source: Krizhevsky 2009.
"""

from __future__ import annotations

from typing import final

from trainables.datasets.files.cifar import CifarBinary
from trainables.datasets.images.base import Images


@final
class Cifar10(Images):
    """50,000 photographs to train on, 32×32 pixels of three colours; codes of 100 dimensions as in Pu et al. 2017, figure 6."""

    name = "cifar10"
    shape = (3, 32, 32)
    x_dim = 3 * 32 * 32
    z_dim = 100
    noise_dim = 100
    classes = 10
    home = "cs.toronto.edu/~kriz/cifar.html, the binary version"
    files = CifarBinary(("cifar-10-batches-bin", "cifar10"))
