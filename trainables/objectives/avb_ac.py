"""AVB with adaptive contrast."""

import functools
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch, Model
from trainables.models.densities import LOG_2PI, log_prior
from trainables.objectives.avb import AVBObjective
from trainables.randomness.streams import stream

MOMENTS = 16
"""Codes of each point whose mean and variance r has."""

NOISE = 256
"""Least number of pairs ± ε over which an encoder that knows its moments takes those of its noise."""


class ContrastObjective(AVBObjective):
    """A critic that tells q from a Gaussian r(z|x) which has q's mean and variance, both in coordinates of r."""

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 3.3 for normalised codes."""
        prior = self.log_ratio(batch, "p", batch.x, batch.z)
        return softplus(-self.contrast(batch, batch.x, batch.z_q)[0]).mean() + softplus(prior).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 4.2, negated; λ is not used."""
        return -self._bound(batch, batch.x, batch.z_q).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """Eq. 4.2; too high or too low where T is not at its optimum."""
        return self._bound(model, x, model.encode(x, epsilon))

    def _bound(self, model: Model, x: Tensor, z: Tensor) -> Tensor:
        t, log_r = self.contrast(model, x, z)
        return model.log_p(x, z) + log_prior(z) - log_r - t

    def contrast(self, model: Model, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """T(x, ζ~) and log r(z~|x), each [batch]."""
        mean, variance = moments(model, x, z)
        normal = (z - mean) / variance.sqrt()
        log_r = -0.5 * (normal.square() + variance.log() + LOG_2PI).sum(-1)
        return self.log_ratio(model, "q", x, normal), log_r


def moments(model: Model, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """μ(x) and σ(x)², [batch, z_dim] or for one observation [z_dim], without a gradient."""
    if model.knows_moments:
        mean, variance = model.moments(x, _fixed(_white(model.form.dims(model.data)["epsilon"]), x))
        return mean.detach(), variance.detach() + 1e-6
    codes = z.detach() if model.data.single else _codes(model, x)
    mean = codes.mean(0)
    return mean, (codes - mean).square().mean(0) + 1e-6


@final
class AVBAC(ContrastObjective):
    """AVB with adaptive contrast: the critic tells q from a Gaussian r that already has q's mean and variance.

    Source: Mescheder et al. 2017, §4, eq. 4.2 and 4.3.

        critic: E_q s(−T(x, ζ~)) + E s(T(x, ζ)), ζ~ = (z~ − μ(x)) / σ(x), ζ ~ N(0, I)
        encoder and decoder: −E_q [log p(x|z~) + log p(z~) − log r(z~|x) − T(x, ζ~)]

    The bound is exact for any r that is a function of x alone, at T's optimum. So μ(x) and σ(x) are those of the same few
    codes at every step: drawn anew they would leave T, which does not see them, with the density of z~ averaged over r.

    Departures from the paper:
        1. T is one network of the concatenated pair.
        2. Three steps of T before each step of encoder and decoder, as AVB.
        3. μ(x) and σ(x) are those of the 16 codes of one fixed set of ε, held constant in the gradient ("a Monte-Carlo
           estimate"). An encoder that knows them gives them, such as the supplement's (`trainables.networks.noise_basis`, eq.
           7.11 and 7.12), from one fixed set of ε where the paper draws them once a batch. Of data with one observation they
           are those of the batch's codes, as in the released code.
    """

    name = "avb_ac"
    label = "AVB+AC"
    baselines = ("vae",)
    version = 2


@final
class AVBACPrior(ContrastObjective):
    """AVB+AC, log r in T: T(x, ζ) = t(x, ζ) − log N(ζ; 0, I), so that the network t has to learn log q alone.

    Source: the released code of Mescheder et al. 2017 for Eight Schools; its supplement has the same of AVB.

    Departures from the paper: as AVB+AC.
    """

    name = "avb_ac_prior"
    label = "AVB+AC, log r in T"
    baselines = ("avb_ac",)
    prior_added = True


def _codes(model: Model, x: Tensor) -> Tensor:
    """Codes of each point, [16, batch, z_dim]."""
    noise = _fixed(_noise(model.form.dims(model.data)["epsilon"]), x)
    epsilon = noise.unsqueeze(1).expand(-1, len(x), -1).flatten(0, 1)
    return model.encode(torch.cat([x] * MOMENTS), epsilon).detach().unflatten(0, (MOMENTS, -1))


def _fixed(noise: list[list[float]], x: Tensor) -> Tensor:
    return torch.tensor(noise, dtype=x.dtype, device=x.device)


@functools.cache
def _white(dimension: int) -> list[list[float]]:
    """Fixed ε [n, dimension]: pairs ± ε whose mean is 0 and whose covariance is the identity, to six digits."""
    count = max(NOISE, dimension)
    drawn = stream("adaptive contrast", "white noise").standard_normal((count, dimension))
    half = (np.linalg.qr(drawn)[0] * np.sqrt(count)).round(6)
    return np.concatenate([half, -half]).tolist()


@functools.cache
def _noise(dimension: int) -> list[list[float]]:
    """The fixed ε [16, dimension]: pairs ± ε of mean 0 and mean square 1, so that less of r is chance."""
    half = stream("adaptive contrast", "noise").standard_normal((MOMENTS // 2, dimension))
    half /= np.sqrt(np.square(half).mean(0))
    return np.concatenate([half, -half]).tolist()
