"""AVB with adaptive contrast."""

from typing import final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.batch import Batch
from trainables.densities import LOG_2PI, log_prior
from trainables.form import CRITIC, ENCODER, EXPLICIT_DECODER, NOISE, Form
from trainables.objectives.base import Objective

MOMENTS = 16
"""Codes of each point whose mean and variance r has."""


@final
class AVBAC(Objective):
    """AVB with adaptive contrast: the critic tells q from a Gaussian r that already has q's mean and variance.

    Source: Mescheder et al. 2017, §4, eq. 4.2 and 4.3.

        critic: E_q s(−T(x, ζ~)) + E s(T(x, ζ)), ζ~ = (z~ − μ(x)) / σ(x), ζ ~ N(0, I)
        encoder and decoder: −E_q [log p(x|z~) + log p(z~) − log r(z~|x) − T(x, ζ~)]

    Departures from the paper:
        1. T is one network of the concatenated pair.
        2. Three steps of T an iteration, as AVB.
        3. μ(x) and σ(x) are those of 16 codes drawn for the purpose ("a Monte-Carlo estimate"), held constant in the
           gradient; the paper's supplement has an encoder of which they are cheaper to estimate. Of data with one
           observation they are those of the batch's codes, as in the released code.
    """

    name = "avb_ac"
    label = "AVB+AC"
    form = Form(
        {"encoder": ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
        critic_steps=3,
        noise=(*NOISE, *(f"epsilon_{n}" for n in range(MOMENTS))),
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 3.3 for normalised codes."""
        prior = batch.score("critic", "p", x=batch.x, z=batch.z)
        return softplus(-self.contrast(batch)[0]).mean() + softplus(prior).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 4.2, negated; λ is not used."""
        t, log_r = self.contrast(batch)
        return -(batch.log_p(batch.x, batch.z_q) + log_prior(batch.z_q) - log_r - t).mean()

    def contrast(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """T(x, ζ~) and log r(z~|x), each [batch]."""
        codes = batch.z_q.detach() if batch.single else _codes(batch)
        mean = codes.mean(0)
        variance = (codes - mean).square().sum(0) / (len(codes) - 1) + 1e-6
        normal = (batch.z_q - mean) / variance.sqrt()
        log_r = -0.5 * (normal.square() + variance.log() + LOG_2PI).sum(-1)
        return batch.score("critic", "q", x=batch.x, z=normal), log_r


def _codes(batch: Batch) -> Tensor:
    """Codes of each point, [16, batch, z_dim]."""
    epsilon = torch.cat([batch.noise[f"epsilon_{n}"] for n in range(MOMENTS)])
    return batch.encode(torch.cat([batch.x] * MOMENTS), epsilon).detach().unflatten(0, (MOMENTS, -1))
