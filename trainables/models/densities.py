"""The densities of explicit networks, from what they give: Gaussian, bent by a planar flow or not, and Bernoulli.

A Gaussian is m + L ε of standard-normal ε: m the means, L triangular with a positive diagonal, or diagonal where the
network's covariance is. 2 log L_ii are called log-variances: those of each dimension given the ones before it.

Each function is for `given` [..., n] as `size` counts it, and values [..., d]; leading dimensions broadcast. `net` says
which density it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.models import planar
from trainables.models.spec import Net

LOG_2PI = math.log(2 * math.pi)


def size(dimension: int, net: Net) -> int:
    """Numbers that describe the density: means, log-variances, L below its diagonal row by row, layers of the flow."""
    return sum(_sizes(dimension, net))


def sample(given: Tensor, noise: Tensor, net: Net) -> Tensor:
    """A value by reparametrisation of standard-normal noise [..., d]."""
    return _sample(given, noise, net)[0]


def sample_and_log_density(given: Tensor, noise: Tensor, net: Net) -> tuple[Tensor, Tensor]:
    """The same, and its log-density in nats [...]."""
    value, log_det = _sample(given, noise, net)
    log_variance = given[..., noise.shape[-1] : 2 * noise.shape[-1]]
    return value, _log_normal(noise, log_variance) - log_det


def centre(given: Tensor, dimension: int, net: Net) -> Tensor:
    """The mean of the Gaussian, or where the flow takes it: [..., d]."""
    mean = given[..., :dimension]
    return sample(given, torch.zeros_like(mean), net) if net.flow else mean


def log_density(value: Tensor, given: Tensor, net: Net) -> Tensor:
    """In nats, summed over dimensions: [...]."""
    mean, log_variance, below, layers = _parts(given, value.shape[-1], net)
    if not net.flow:
        return _log_gaussian(value, mean, log_variance, below, net)
    base, log_det = planar.inverse(value, layers, net.flow)
    return _log_gaussian(base, mean, log_variance, below, net) - log_det


def log_bernoulli(value: Tensor, logits: Tensor) -> Tensor:
    """log of the probability of values in [0, 1] under logits, in nats, summed over dimensions: [...]."""
    return -(softplus(logits) - value * logits).sum(-1)


def sample_bernoulli(logits: Tensor, noise: Tensor) -> Tensor:
    """0s and 1s of these logits from standard-normal noise, both [..., d]: 1 where Φ(noise) < σ(logits). It has no gradient."""
    uniform = 0.5 * (1 + torch.erf(noise / math.sqrt(2)))
    return torch.relu(torch.sgn(torch.sigmoid(logits.detach()) - uniform))


def log_softmax(logits: Tensor) -> Tensor:
    """log of the probabilities of classes, [..., classes], from logits as many."""
    return logits - log_sum_exp(logits).unsqueeze(-1)


def log_sum_exp(values: Tensor) -> Tensor:
    """log Σᵢ exp(vᵢ) over the last dimension: [...].

    log(e^a + e^b) = a + log(1 + e^(b − a)), one after the other: it cannot overflow, and its gradient can be lowered.
    """
    total, *rest = values.unbind(-1)
    for one in rest:
        total = total + softplus(one - total)
    return total


def log_prior(z: Tensor) -> Tensor:
    """log N(z; 0, I) in nats: [...]."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)


def kl_to_prior(given: Tensor, dimension: int, net: Net) -> Tensor:
    """KL(N(m, L Lᵀ) ‖ N(0, I)) = ½ (‖m‖² + ‖L‖² − d) − Σ log L_ii in nats, of a network without a flow: [...]."""
    mean, log_variance, below, _ = _parts(given, dimension, net)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
    return divergence + 0.5 * below.square().sum(-1) if net.full_rank else divergence


def _sizes(dimension: int, net: Net) -> tuple[int, int, int, int]:
    below = dimension * (dimension - 1) // 2 if net.full_rank else 0
    return dimension, dimension, below, planar.parameters(dimension, net.flow)


def _parts(given: Tensor, dimension: int, net: Net) -> list[Tensor]:
    """Means, log-variances, L below its diagonal and the flow's layers; empty where the network has none."""
    sizes = _sizes(dimension, net)
    pieces = iter(given.split([n for n in sizes if n], dim=-1))
    return [next(pieces) if n else given[..., :0] for n in sizes]


def _sample(given: Tensor, noise: Tensor, net: Net) -> tuple[Tensor, Tensor]:
    mean, log_variance, below, layers = _parts(given, noise.shape[-1], net)
    value = mean + (0.5 * log_variance).exp() * noise
    if net.full_rank:
        mixed = [
            (row * noise[..., : row.shape[-1]]).sum(-1, keepdim=True) for row in _rows(below, noise.shape[-1])
        ]
        value = value + torch.cat([torch.zeros_like(value[..., :1]), *mixed], dim=-1)
    return planar.forward(value, layers, net.flow) if net.flow else (value, torch.zeros_like(noise[..., 0]))


def _log_gaussian(value: Tensor, mean: Tensor, log_variance: Tensor, below: Tensor, net: Net) -> Tensor:
    if net.full_rank:
        return _log_normal(_noise(value - mean, log_variance, below), log_variance)
    return -0.5 * ((value - mean).square() * (-log_variance).exp() + log_variance + LOG_2PI).sum(-1)


def _noise(offset: Tensor, log_variance: Tensor, below: Tensor) -> Tensor:
    """ε with L ε = offset, by forward substitution."""
    scaled = (-0.5 * log_variance).exp()
    noise = offset[..., :1] * scaled[..., :1]
    for i, row in enumerate(_rows(below, offset.shape[-1]), start=1):
        rest = offset[..., i : i + 1] - (row * noise).sum(-1, keepdim=True)
        noise = torch.cat([noise, rest * scaled[..., i : i + 1]], dim=-1)
    return noise


def _rows(below: Tensor, dimension: int) -> tuple[Tensor, ...]:
    """Rows 1 to d − 1 of L below its diagonal, of as many numbers."""
    return below.split(list(range(1, dimension)), dim=-1)


def _log_normal(noise: Tensor, log_variance: Tensor) -> Tensor:
    """Log-density of the Gaussian at m + L ε."""
    return -0.5 * (noise.square() + log_variance + LOG_2PI).sum(-1)
