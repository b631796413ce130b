"""Wake-sleep: the decoder learns from inferred pairs, the encoder from generated ones."""

from typing import final

from torch import Tensor

from trainables.models.batch import Batch
from trainables.models.spec import EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import BoundObjective


@final
class WakeSleep(BoundObjective):
    """Wake-sleep: each network learns to tell what the other did, and neither is differentiated through the other.

    Source: Hinton et al. 1995; Hu et al. 2018, eq. 20.

        wake, of the decoder: −E_q log p(x|z~), z~ constant;   sleep, of the encoder: −E_p log q(z|x~), x~ constant

    The wake phase follows the VAE's bound in the decoder. The sleep phase minimises KL(p(z|x) ‖ q(z|x)) over generated x, the
    reverse of the divergence in the bound, so that the two together need not increase it.

    Departures from the papers:
        1. Both phases in one step, on one draw of (x, z~) and of (x~, z), in place of one after the other.
        2. One layer of Gaussian codes; the Helmholtz machine of Hinton et al. has several, of binary units.
    """

    name = "wake_sleep"
    label = "wake-sleep"
    baselines = ("vae",)
    form = Form(
        {"encoder": GAUSSIAN_ENCODER, "decoder": EXPLICIT_DECODER}, {"autoencoder": ("encoder", "decoder")}
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Both phases; λ is not used."""
        wake = batch.log_p(batch.x, batch.z_q.detach())
        sleep = batch.log_q(batch.z, batch.x_p.detach())
        return -(wake + sleep).mean()
