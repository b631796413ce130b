"""Mean squared errors of reconstructions, of points and of codes."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import SMALLER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


def mean_squared_error(target: Tensor, reconstruction: Tensor) -> Tensor:
    """Mean over points and dimensions: scalar from [n, d] and [n, d]."""
    return (target - reconstruction).square().mean()


@final
class MseX(Metric):
    """Mean of (x − x_θ(z_φ(x, ε), ξ))² over test points and dimensions, in [0, ∞), in squared units of the data.

    Source: Chen et al. (sVAE), §6.1.
    """

    name, label, better = "mse_x", "MSE", SMALLER
    log, smallest = True, 1.1
    needs = ("encoder",)

    def __call__(self, at: Evaluated) -> Tensor:
        return mean_squared_error(at.x.double(), at.x_again)


@final
class MseZ(Metric):
    """Mean of (z − z_φ(x_θ(z, ξ), ε'))² over prior codes and dimensions, in [0, ∞); a prior code has variance 1.

    Source: Chen et al. (sVAE), §6.1. Data of a few distinct points, or of one, cannot hold a code: none is asked for.
    """

    name, label, better = "mse_z", "MSE of z", SMALLER
    log = True
    needs = ("encoder", "not distinct", "not single")

    def __call__(self, at: Evaluated) -> Tensor:
        return mean_squared_error(at.noise["z"].double(), at.z_again)


@final
class Rmse(Metric):
    """Root of the mean squared error of reconstructions in grey levels: √MSE × levels, in [0, ∞).

    Source: Pu et al. 2017 (AS-VAE), §5.1, table 2.
    """

    name, label, better = "rmse", "RMSE in levels", SMALLER
    needs = ("encoder", "levels")

    def __call__(self, at: Evaluated) -> Tensor:
        assert at.data.levels is not None
        return mean_squared_error(at.x.double(), at.x_again).sqrt() * at.data.levels
