"""VAE: the variational autoencoder."""

from typing import final

from torch import Tensor

from trainables.batch import Batch, Model
from trainables.form import EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import Objective


@final
class VAE(Objective):
    """VAE: explicit Gaussian encoder, explicit decoder, the evidence lower bound.

    Source: Kingma & Welling 2014; Pu et al. 2017 (sVAE), eq. 1.

        −E_q log p(x|z~) + KL(q(z|x) ‖ p(z))

    Departures from the paper:
        1. A Gaussian decoder has a variance of its own for each dimension and code.
    """

    name = "vae"
    label = "VAE"
    form = Form(
        {"encoder": GAUSSIAN_ENCODER, "decoder": EXPLICIT_DECODER}, {"autoencoder": ("encoder", "decoder")}
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -batch.elbo(batch.x, batch.noise["epsilon"]).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """What is maximised."""
        return model.elbo(x, epsilon)
