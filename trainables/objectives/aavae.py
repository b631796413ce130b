"""AAVAE: a VAE that learns from its own points as well, as far as they deceive a critic."""

from typing import final

import torch
from torch import Tensor

from trainables.models.batch import Batch, Model
from trainables.models.spec import CRITIC_X, EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import Objective
from trainables.parameters import own


@final
class AAVAE(Objective):
    """AAVAE: real and generated examples enter the bound, weighted by the reversed discriminator.

    Source: Hu et al. 2018, eq. 23, 48 and 50; D = σ(−f / T) with temperature T (appendix G.2).

        critic: E_data s(f) + E_p s(−f)
        encoder and decoder: −E_data [D(x) ELBO(x)] − E_p [D(x~) ELBO(x~)], D and x~ constant in the gradient

    With a perfect discriminator, D(x) = 1 and D(x~) = 0, it is a VAE.

    Attributes:
        temperature: T of the weights D = σ(−f / T).

    x~ ~ p(x|z): of binary data a sample of 0s and 1s like the data, which the critic could tell from the mean by its grey.

    Departures from the paper:
        1. T (`temperature`) is 1.5 by default, where the paper chooses among 1, 1.5, 3 and 5 by cross-validation. It is in the weights alone; the
           critic is trained at T = 1 (appendix G.2 can be read as both).
    """

    name = "aavae"
    label = "AAVAE"
    baselines = ("vae",)
    temperature: float = own(1.5, above=0.0)
    form = Form(
        {"encoder": GAUSSIAN_ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC_X},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return activated(batch, self.temperature)

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """That of a VAE."""
        return model.elbo(x, epsilon)


def activated(batch: Batch, temperature: float) -> Tensor:
    """−E_data [D(x) ELBO(x)] − E_p [D(x~) ELBO(x~)], D = σ(−f / T)."""
    fake = batch.x_p.detach()
    real_bound = batch.elbo(batch.x, batch.noise["epsilon"])
    fake_bound = batch.elbo(fake, batch.noise["epsilon_again"])
    real, deceived = reversed_discriminator(batch, fake, temperature)
    return -(real * real_bound).mean() - (deceived * fake_bound).mean()


def reversed_discriminator(batch: Batch, fake: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """D = σ(−f / T) of the data and of generated points [batch, x_dim], each [batch], constant in the gradient."""
    real, deceived = (
        torch.sigmoid(-batch.score("critic", side, x=x).detach() / temperature)
        for side, x in (("q", batch.x), ("p", fake))
    )
    return real, deceived
