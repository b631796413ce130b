"""The synthetic data of adversarial variational Bayes: four 2×2 binary images."""

from __future__ import annotations

import functools
from typing import final

import torch
from torch import Tensor

from trainables.datasets.base import DataSet

IMAGES = 4
TRAIN_POINTS = 2048
TEST_POINTS = 1024


@final
class FourImages(DataSet):
    """Images of one white pixel each, equally often.

    Source: Mescheder et al. 2017, §5.2 and figure 5. The optimal log-likelihood is −log 4 = −1.386.
    """

    name = "four_images"
    version = "four_images-v2"
    shape = (2, 2)
    ink = True
    x_dim = IMAGES
    classes = IMAGES
    z_dim = 2
    noise_dim = 8
    binary = True
    bounded = True
    distinct = IMAGES
    likelihood_points = IMAGES

    @property
    def train(self) -> Tensor:
        return _images(TRAIN_POINTS).repeat(1, 2)  # an image is its own label

    @property
    def test(self) -> Tensor:
        return _images(TEST_POINTS).repeat(1, 2)

    def log_posterior(self, x: Tensor) -> Tensor:
        """Which image a generated one is nearest to is known but for points near no image: a sharp posterior."""
        return torch.log_softmax(10 * x, -1)


@functools.cache
def _images(count: int) -> Tensor:
    """Each image in turn, [count, 4]."""
    return torch.eye(IMAGES).repeat(count // IMAGES, 1)
