"""GAN: a decoder against a critic of its points."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import CRITIC_X, DECODER, Form
from trainables.objectives.base import Objective


class DecoderObjective(Objective):
    """A system without an encoder: a decoder, and the critic of eq. 10 on x alone.

    f estimates log p(x) − log q(x): the discriminator of the papers is σ(−f).
    """

    form = Form(
        {"decoder": DECODER, "critic": CRITIC_X}, {"critic": ("critic",), "autoencoder": ("decoder",)}
    )


@final
class GAN(DecoderObjective):
    """GAN: the decoder sees the critic after the squashing.

    Source: Goodfellow et al. 2014; Pu et al. 2017 (sVAE), eq. 22–24; Hu et al. 2018, eq. 7.

        critic: E_data s(f) + E_p s(−f);   decoder: E_p s(f)

    Departures from the paper:
        1. Non-saturating, as the papers on it here: Goodfellow et al. name both.
        2. The decoder takes noise ξ beside z, as the joint systems' does.
    """

    name = "gan"
    label = "GAN"

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return softplus(batch.f_p).mean()


@final
class GANMinimax(DecoderObjective):
    """GAN, minimax: the decoder minimises what the critic maximises.

    Source: Goodfellow et al. 2014, eq. 1; Pu et al. 2017 (sVAE), after eq. 24.

        critic: E_data s(f) + E_p s(−f);   decoder: −E_p s(−f) = E_p log (1 − D), D = σ(−f)

    Where the critic is sure that a point is generated, f large, its gradient vanishes; at f = 0 it is the GAN's.

    Departures from the papers:
        1. The decoder takes noise ξ beside z, as the joint systems' does.
    """

    name = "gan_minimax"
    label = "GAN, minimax"
    baselines = ("gan",)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -softplus(-batch.f_p).mean()
