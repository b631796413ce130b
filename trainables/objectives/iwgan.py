"""IWGAN: a GAN that learns most from the points it generates best."""

from typing import final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.objectives.gan import DecoderObjective
from trainables.parameters import own


@final
class IWGAN(DecoderObjective):
    """IWGAN: the gradient of a generated point weighs as much as it deceives the critic.

    Source: Hu et al. 2018, eq. 22, 44 and 47.

        critic: E_data s(f) + E_p s(−f)
        decoder: Σᵢ w̃ᵢ s(f(x~ᵢ)), w̃ᵢ ∝ D / (1 − D) = exp(−f(x~ᵢ)), adding up to 1 over the batch, constant in the gradient

    Attributes:
        k: points that share their weights; 0 for all of a batch, as in the paper, and with 1 it is a GAN.

    Departures from the paper:
        1. The decoder takes noise ξ beside z, as the joint systems' does.
    """

    name = "iwgan"
    label = "IWGAN"
    baselines = ("gan",)
    k: int = own(0, least=0)

    def misfit(self, batch_size: int) -> str | None:
        """Groups of k fill a batch."""
        if self.k and batch_size % self.k:
            return f"needs a batch_size that is a multiple of k = {self.k}"
        return None

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return weighted(batch.f_p, self.k)


def weighted(scores: Tensor, k: int) -> Tensor:
    """Σᵢ w̃ᵢ s(fᵢ) over every k scores [batch], or all for 0, w̃ᵢ ∝ exp(−fᵢ) constant in the gradient; averaged over the groups."""
    f = scores.unflatten(0, (-1, k or len(scores)))
    weights = torch.softmax(-f.detach(), -1)
    return (weights * softplus(f)).sum(-1).mean()
