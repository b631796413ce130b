"""Eight Schools: no generative model is trained here, but the posterior of a Bayesian one is found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from torch import Tensor

from trainables import metrics
from trainables.datasets.base import DataSet
from trainables.neighbours import kl_divergence

if TYPE_CHECKING:
    from trainables.batch import Model

EFFECTS = (2.8, 0.8, -0.3, 0.7, -0.1, 0.1, 1.8, 1.2)
"""Coaching effects y_i in tens of points."""

ERRORS = (0.8, 0.5, 0.8, 0.6, 0.5, 0.6, 0.5, 0.4)
"""Their standard errors σ_i, as the released code of the paper has them: about half of those of Gelman et al."""

REFERENCE = Path(__file__).with_name("eight_schools.npy")
"""5,000 draws of the posterior by NUTS (`infra.posterior`)."""

POINTS = 1024
"""Copies of the one observation, to train on and to draw codes from."""

CODES = 5000
"""Codes that KL(q ‖ posterior) is estimated from, as many as there are draws of the posterior."""


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
    """

    name = "eight_schools"
    version = "eight_schools-v1"
    coordinates = ("μ", "τ", *(f"η{school}" for school in "₁₂₃₄₅₆₇₈"))
    shape = (2 + len(EFFECTS),)
    x_dim = len(EFFECTS)
    z_dim = 2 + len(EFFECTS)
    noise_dim = 2 + len(EFFECTS)
    known = {"decoder": log_likelihood_parameters}  # noqa: RUF012
    single = True
    concluded_always = True

    @property
    def train(self) -> Tensor:
        return torch.tensor(EFFECTS).expand(POINTS, -1).contiguous()

    @property
    def test(self) -> Tensor:
        return self.train

    @property
    def reference(self) -> Tensor:
        return posterior()

    def evaluate(self, model: Model, x: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        z = model.encode(x, noise["epsilon"])
        fitted = model.mean_of_x(z, noise["xi"]).double()
        return {
            "mse_x": metrics.mean_squared_error(x.double(), fitted),
            "reconstruction": -model.log_p(x, z).double().mean(),
            "points": z,
        }

    def conclude(self, model: Model, draw: Callable[..., Tensor]) -> dict[str, float]:
        """KL(q(z|y) ‖ p(z|y)) from nearest neighbours among the draws of the posterior."""
        epsilon = draw(CODES, model.form.dims(self)["epsilon"], name="epsilon")
        codes = model.encode(torch.tensor(EFFECTS, device=epsilon.device).expand(CODES, -1), epsilon)
        return {"kl_posterior": kl_divergence(codes, posterior().to(codes.device)).item()}


@functools.cache
def posterior() -> Tensor:
    """Draws of it, float32 [5000, 10]."""
    return torch.from_numpy(np.load(REFERENCE))
