"""Symmetric GAN: sVAE's half that generates, alone."""

from typing import final

from torch import Tensor

from trainables.models.batch import Batch
from trainables.objectives.gan import DecoderObjective


@final
class SymmetricGAN(DecoderObjective):
    """Symmetric GAN: the decoder sees the critic before the squashing.

    Source: Pu et al. 2017 (sVAE), eq. 20–23.

        critic: E_data s(f) + E_p s(−f);   decoder: E_p f

    With the optimal critic the decoder follows the gradient of KL(p‖q), the reverse divergence.

    Departures from the paper:
        1. The decoder takes noise ξ beside z, as the joint systems' does.
    """

    name = "symmetric_gan"
    label = "symmetric GAN"

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return batch.f_p.mean()
