"""InfoGAN: a GAN whose codes can be read off its points."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import CRITIC_X, DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import Objective
from trainables.parameters import weight


@final
class InfoGAN(Objective):
    """InfoGAN: GAN, and an explicit encoder that finds the code of a generated point.

    Source: Chen et al. 2016; Hu et al. 2018, eq. 15.

        critic: E_data s(f) + E_p s(−f);   encoder and decoder: E_p s(f) − λ E_p log q(z|x~)

    Departures from the paper:
        1. All of z is recovered, as in Hu et al.; λ weights that, where their weight is 1.
        2. Non-saturating, as GAN.
        3. The decoder takes noise ξ beside z, as the joint systems' does.
    """

    name = "infogan"
    label = "InfoGAN"
    lam = weight()
    form = Form(
        {"encoder": GAUSSIAN_ENCODER, "decoder": DECODER, "critic": CRITIC_X},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return softplus(batch.f_p).mean() - lam * batch.log_q(batch.z, batch.x_p).mean()
