"""IWAE: a VAE whose bound has several codes of each point, weighted by importance."""

import math
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from trainables.models import densities
from trainables.models.batch import Batch, Model
from trainables.models.spec import NOISE
from trainables.objectives.base import Objective
from trainables.objectives.vae import VAE
from trainables.parameters import own


@final
class IWAE(Objective):
    """IWAE: a bound on log p(x) from k codes of each point, which rises to it with k.

    Source: Burda et al. 2016, eq. 8; Hu et al. 2018, eq. 40, derive IWGAN from it.

        −E_q log 1/k Σᵢ p(x|z~ᵢ) p(z~ᵢ) / q(z~ᵢ|x)

    With k = 1 it is a VAE whose divergence is sampled, too.

    Attributes:
        k: codes of a point; runs of another k begin alike and see the same batches, but other noise, as there is more of it.

    Departures from the paper:
        1. A Gaussian decoder has a variance of its own for each dimension and code; the paper's data are binary.
        2. One layer of codes; the paper has two as well.
    """

    name = "iwae"
    label = "IWAE"
    baselines = ("vae",)
    k: int = own(5, least=1)
    form = VAE.form

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.form = replace(self.form, noise=(*NOISE, *(f"epsilon_{i}" for i in range(2, self.k + 1))))

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        epsilon = torch.cat([batch.noise[piece] for piece in self.form.codes], -1)
        return -self.bound(batch, batch.x, epsilon).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """What is maximised."""
        return densities.log_sum_exp(self.log_weights(model, x, epsilon)) - math.log(self.k)

    def log_weights(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """log p(x, z~ᵢ) − log q(z~ᵢ|x) of the codes from ε [n, k · z_dim]: [n, k]."""
        each = torch.cat(epsilon.chunk(self.k, -1))
        given = torch.cat([model.given("encoder", x=x)] * self.k)
        z, log_q = densities.sample_and_log_density(given, each, self.form.networks["encoder"])
        log_p = model.log_p(torch.cat([x] * self.k), z) + densities.log_prior(z)
        return (log_p - log_q).unflatten(0, (self.k, -1)).t()
