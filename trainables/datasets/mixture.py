"""The toy data: five equally likely 2-D Gaussians, and their exact posterior.

Source: Li et al. 2017 (ALICE), as used by Chen et al. (sVAE), §6.1.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainables.datasets import base
from trainables.randomness.streams import stream

MEANS = ((0.0, 0.0), (2.0, 2.0), (-2.0, -2.0), (2.0, -2.0), (-2.0, 2.0))
VARIANCE = 0.04
MODES = len(MEANS)
X_DIM = 2
Z_DIM = 2
TRAIN_POINTS = 2048
TEST_POINTS = 1024
DATA_VERSION = "mixture5-v1"


class Data(NamedTuple):
    """Train points x [2048, 2], test points x [1024, 2], float32."""

    train: Tensor
    test: Tensor


@functools.cache
def load() -> Data:
    """The study's data, the same for every run; train and test come from streams of their own."""
    return Data(*(sample(n, stream(DATA_VERSION, name)) for name, n in
                  (("train", TRAIN_POINTS), ("test", TEST_POINTS))))  # fmt: skip


def sample(n: int, rng: np.random.Generator) -> Tensor:
    """n points [n, 2], float32, drawn from the mixture with `rng`."""
    component = rng.integers(MODES, size=n)
    points = np.asarray(MEANS)[component] + VARIANCE**0.5 * rng.standard_normal((n, X_DIM))
    return torch.from_numpy(points.astype(np.float32))


def log_posterior(x: Tensor) -> Tensor:
    """log p(component | x), exact: [..., 5] from points [..., 2].

    Equal weights and covariances cancel, so it is log softmax of −‖x − μ_k‖² / (2·0.04).
    """
    return torch.log_softmax(-squared_distances(x) / (2 * VARIANCE), dim=-1)


def log_density(x: Tensor) -> Tensor:
    """log p(x) of the mixture in nats, exact: [...] from points [..., 2]; −1.23 on average of true points."""
    log_normal = -squared_distances(x) / (2 * VARIANCE) - math.log(2 * math.pi * VARIANCE)
    return torch.logsumexp(log_normal, dim=-1) - math.log(MODES)


def squared_distances(x: Tensor) -> Tensor:
    """‖x − μ_k‖² to each of the five means: [..., 5] from [..., 2]."""
    return base.squared_distances(x, MEANS)
