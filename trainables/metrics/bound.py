"""The evidence lower bound, its Monte-Carlo error, and what it amounts to in bits."""

from __future__ import annotations

import math
from typing import final

from torch import Tensor

from result_metrics import LARGER, SMALLER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


@final
class Elbo(Metric):
    """Mean over test points of the objective's bound on log p(x), E_q log p(x|z) − KL(q(z|x) ‖ p(z)), in (−∞, log p(x)], in nats.

    Source: Kingma & Welling 2014, eq. 3; of other bounds see the objective. One code a point.
    """

    name, label, better = "elbo", "ELBO", LARGER
    unit = "nats"
    needs = ("bound",)

    def __call__(self, at: Evaluated) -> Tensor:
        return at.elbo.mean()


@final
class ElboError(Metric):
    """Standard error of the mean bound over test points, each with one code: sd / √n, in [0, ∞), in nats."""

    name, label, better = "elbo_error", "Monte-Carlo error of ELBO", SMALLER
    needs = ("bound",)

    def __call__(self, at: Evaluated) -> Tensor:
        return at.elbo.std() / len(at.elbo) ** 0.5


@final
class BitsPerDim(Metric):
    """At most what a level costs to encode, −ELBO / (d log 2) + log2(levels), in [0, ∞), in bits per dimension.

    A level is a cell of width 1 / levels. Source: Pu et al. 2017 (AS-VAE), §5.1, table 2.
    """

    name, label, better = "bits_per_dim", "bits per dimension", SMALLER
    needs = ("bound", "levels")

    def __call__(self, at: Evaluated) -> Tensor:
        assert at.data.levels is not None
        return -at.elbo.mean() / (at.data.x_dim * math.log(2)) + math.log2(at.data.levels)
