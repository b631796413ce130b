"""Metrics of a trained model on the toy data; each is exact, none needs a trained classifier.

Source: Chen et al. (sVAE) §6.1; Salimans et al. 2016 for the inception score.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainables.datasets import mixture

ON_MODE_RADIUS = 3.0
"""A generated point is on a mode when it lies within this many standard deviations of its mean."""

COVERED_SHARE = 0.1
"""A mode is covered when it holds at least this part of its fair share (n / 5) of the generated points."""


def mean_squared_error(target: Tensor, reconstruction: Tensor) -> Tensor:
    """Mean over points and dimensions: scalar from [n, d] and [n, d]."""
    return (target - reconstruction).square().mean()


def inception_score(log_posterior: Tensor) -> Tensor:
    """exp(E_x KL(p(y|x) ‖ p(y))) from log p(y|x) [n, classes]: a scalar in [1, classes].

    p(y) is the mean of p(y|x) over the n points. A far-off point still has a confident posterior:
    read it beside `on_mode_share`.
    """
    posterior = log_posterior.exp()
    log_marginal = posterior.mean(0).clamp_min(torch.finfo(posterior.dtype).tiny).log()
    return (posterior * (log_posterior - log_marginal)).sum(-1).mean().exp()


def accuracy(log_posterior: Tensor, labels: Tensor) -> Tensor:
    """Share of points whose most probable label [n, classes] is their own, one-hot [n, classes]."""
    return (log_posterior.argmax(-1) == labels.argmax(-1)).double().mean()


def of_levels(values: dict[str, Tensor], dimension: int, levels: int | None) -> dict[str, Tensor]:
    """Metrics with those of quantised data added that follow from them.

    `bits_per_dim`: at most what a level costs to encode: −ELBO / (d log 2) + log2(levels), since a level is a cell of
    width 1 / levels. `rmse`: of the reconstruction, in levels. Source: Pu et al. 2017 (AS-VAE), §5.1; table 2 has both.
    """
    if levels is None:
        return values
    further = {}
    if "elbo" in values:
        further["bits_per_dim"] = -values["elbo"] / (dimension * math.log(2)) + math.log2(levels)
    if "mse_x" in values:
        further["rmse"] = values["mse_x"].sqrt() * levels
    return {**values, **further}


def on_mode(x: Tensor) -> Tensor:
    """Which points lie on which mode, within 3σ of its mean: bool [n, 5] from points [n, 2]."""
    return mixture.squared_distances(x) <= ON_MODE_RADIUS**2 * mixture.VARIANCE


def modes_covered(x: Tensor) -> Tensor:
    """How many of the five modes hold at least a tenth of their fair share of the points x [n, 2]."""
    enough = COVERED_SHARE * x.shape[0] / mixture.MODES
    return (on_mode(x).sum(0) >= enough).sum().to(x.dtype)


def on_mode_share(x: Tensor) -> Tensor:
    """Share of the points x [n, 2] on any mode; 1 − exp(−4.5) = 0.989 for true samples."""
    return on_mode(x).any(-1).to(x.dtype).mean()
