"""The densities of explicit networks, from what they give: Gaussian, bent by a planar flow or not, and Bernoulli.

Each function is for `given` [..., n] as `size` counts it, and values [..., d]; leading dimensions broadcast.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables import planar

LOG_2PI = math.log(2 * math.pi)


def size(dimension: int, flow: int) -> int:
    """Numbers that describe a Gaussian of this dimension and a flow of this length: means, log-variances, layers."""
    return 2 * dimension + planar.parameters(dimension, flow)


def sample(given: Tensor, noise: Tensor, flow: int) -> Tensor:
    """A value by reparametrisation of standard-normal noise [..., d]."""
    return _sample(given, noise, flow)[0]


def sample_and_log_density(given: Tensor, noise: Tensor, flow: int) -> tuple[Tensor, Tensor]:
    """The same, and its log-density in nats [...]."""
    value, log_det = _sample(given, noise, flow)
    log_variance = given[..., noise.shape[-1] : 2 * noise.shape[-1]]
    return value, -0.5 * (noise.square() + log_variance + LOG_2PI).sum(-1) - log_det


def centre(given: Tensor, dimension: int, flow: int) -> Tensor:
    """The mean of the Gaussian, or where the flow takes it: [..., d]."""
    return sample(given, torch.zeros_like(given[..., :dimension]), flow) if flow else given[..., :dimension]


def log_density(value: Tensor, given: Tensor, flow: int) -> Tensor:
    """In nats, summed over dimensions: [...]."""
    dimension = value.shape[-1]
    if not flow:
        mean, log_variance = given.chunk(2, -1)
        return _log_normal(value, mean, log_variance)
    mean, log_variance, layers = given.split(
        [dimension, dimension, planar.parameters(dimension, flow)], dim=-1
    )
    base, log_det = planar.inverse(value, layers, flow)
    return _log_normal(base, mean, log_variance) - log_det


def log_bernoulli(value: Tensor, logits: Tensor) -> Tensor:
    """log of the probability of values in [0, 1] under logits, in nats, summed over dimensions: [...]."""
    return -(softplus(logits) - value * logits).sum(-1)


def sample_bernoulli(logits: Tensor, noise: Tensor) -> Tensor:
    """0s and 1s of these logits from standard-normal noise, both [..., d]: 1 where Φ(noise) < σ(logits). It has no gradient."""
    uniform = 0.5 * (1 + torch.erf(noise / math.sqrt(2)))
    return torch.relu(torch.sgn(torch.sigmoid(logits.detach()) - uniform))


def log_softmax(logits: Tensor) -> Tensor:
    """log of the probabilities of classes, [..., classes], from logits as many.

    log(e^a + e^b) = a + log(1 + e^(b − a)), class after class: it cannot overflow, and its gradient can be lowered.
    """
    first, *rest = logits.split(1, dim=-1)
    total = first
    for one in rest:
        total = total + softplus(one - total)
    return logits - total


def log_prior(z: Tensor) -> Tensor:
    """log N(z; 0, I) in nats: [...]."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)


def kl_to_prior(given: Tensor) -> Tensor:
    """KL(N(mean, exp(log-variance)) ‖ N(0, I)) in nats, in closed form: [...]."""
    mean, log_variance = given.chunk(2, -1)
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def _sample(given: Tensor, noise: Tensor, flow: int) -> tuple[Tensor, Tensor]:
    if not flow:
        mean, log_variance = given.chunk(2, -1)
        return mean + (0.5 * log_variance).exp() * noise, torch.zeros_like(noise[..., 0])
    dimension = noise.shape[-1]
    mean, log_variance, layers = given.split(
        [dimension, dimension, planar.parameters(dimension, flow)], dim=-1
    )
    return planar.forward(mean + (0.5 * log_variance).exp() * noise, layers, flow)


def _log_normal(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    return -0.5 * ((value - mean).square() * (-log_variance).exp() + log_variance + LOG_2PI).sum(-1)
