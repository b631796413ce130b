"""Eight Schools: no generative model is trained here, but the posterior of a Bayesian one is found."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.distributions import LowRankMultivariateNormal, Normal

from trainables.datasets.base import DataSet

EFFECTS = (2.8, 0.8, -0.3, 0.7, -0.1, 0.1, 1.8, 1.2)
"""Coaching effects y_i in tens of points."""

ERRORS = (0.8, 0.5, 0.8, 0.6, 0.5, 0.6, 0.5, 0.4)
"""Their standard errors σ_i, as the released code of the paper has them: about half of those of Gelman et al."""

REFERENCE = Path(__file__).with_name("eight_schools.npy")
"""5,000 draws of the posterior by NUTS (`infra.ground_truth`)."""

POINTS = 1024
"""Copies of the one observation, to train on and to draw codes from."""


def log_likelihood_parameters(z: Tensor) -> Tensor:
    """What p(y|z) is at z = (μ, τ, η_1 … η_8): means μ + τ η and log-variances, [..., 16] from [..., 10]."""
    mu, tau, eta = z.split([1, 1, len(EFFECTS)], dim=-1)
    means = mu + tau * eta
    log_variances = [torch.full_like(mu, 2 * float(np.log(error))) for error in ERRORS]
    return torch.cat([means, *log_variances], dim=-1)


@final
class EightSchools(DataSet):
    """y_i ~ N(μ + τ η_i, σ_i²), and μ, τ, η_i ~ N(0, 1).

    Source: Rubin 1981; Gelman et al. 2014, §5.5; as a test of posteriors Mescheder et al. 2017, §5.1. τ has either sign:
    (τ, η) and (−τ, −η) are alike, so the posterior has two modes.

    The codes are the parameters and the prior is theirs; the decoder is the known likelihood. A VAE on it is Gaussian
    (mean-field) variational Bayes, and what is generated is a draw of the posterior.

    Versions: v2 has KL to the posterior as `metrics.kl_posterior` does; v1 estimated it from nearest neighbours among draws of the
    posterior, 0.2 to 0.3 nats too low.
    """

    name = "eight_schools"
    version = "eight_schools-v2"
    coordinates = ("μ", "τ", *(f"η{school}" for school in "₁₂₃₄₅₆₇₈"))
    shape = (2 + len(EFFECTS),)
    x_dim = len(EFFECTS)
    z_dim = 2 + len(EFFECTS)
    noise_dim = 2 + len(EFFECTS)
    known = {"decoder": log_likelihood_parameters}  # noqa: RUF012
    single = True

    @property
    def train(self) -> Tensor:
        return torch.tensor(EFFECTS).expand(POINTS, -1).contiguous()

    @property
    def test(self) -> Tensor:
        return self.train

    @property
    def reference(self) -> Tensor:
        return posterior()

    @property
    def log_evidence(self) -> float:
        """log p(y), exact to rounding."""
        return log_evidence()

    def straightened(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """As the function of this name; the first coordinate is τ, whose signs are the two modes."""
        return straightened(z)


@functools.cache
def posterior() -> Tensor:
    """Draws of it, float32 [5000, 10]."""
    return torch.from_numpy(np.load(REFERENCE))


@functools.cache
def log_evidence() -> float:
    """log p(y) in nats: given τ, y ~ N(0, diag(σ² + τ²) + 1 1ᵀ), and τ by the trapezoidal rule, exact to rounding."""
    tau = torch.linspace(-10, 10, 4001, dtype=torch.float64)
    y, errors = torch.tensor([EFFECTS, ERRORS], dtype=torch.float64)
    variances = errors**2 + tau[:, None] ** 2
    of_y = LowRankMultivariateNormal(torch.zeros_like(y), torch.ones_like(y)[:, None], variances)
    log_joint = of_y.log_prob(y) + Normal(0.0, 1.0).log_prob(tau)
    return (torch.logsumexp(log_joint, 0) + torch.log(tau[1] - tau[0])).item()


def straightened(z: Tensor) -> tuple[Tensor, Tensor]:
    """(τ, μ, η) [n, 10] from codes, and log|det| [n] of the map: under the posterior μ given τ, and η given both, are N(0, 1).

    The posterior is bent and narrows along τ, where the entropy from nearest neighbours comes out too high; straightened
    it is right, and that of any q is that of its straightened codes − E log|det|.
    """
    mu, tau, eta = z.split([1, 1, len(EFFECTS)], dim=-1)
    y, errors = z.new_tensor(EFFECTS), z.new_tensor(ERRORS)
    weights = 1 / (errors**2 + tau**2)
    mu_precision = 1 + weights.sum(-1, keepdim=True)
    eta_precision = 1 + (tau / errors) ** 2
    mu_mean = (weights * y).sum(-1, keepdim=True) / mu_precision
    eta_mean = tau * (y - mu) / errors**2 / eta_precision
    precisions = torch.cat([mu_precision, eta_precision], dim=-1)
    rest = (torch.cat([mu, eta], dim=-1) - torch.cat([mu_mean, eta_mean], dim=-1)) * precisions.sqrt()
    return torch.cat([tau, rest], dim=-1), 0.5 * precisions.log().sum(-1)
