"""VAE: the variational autoencoder, with a Gaussian posterior, diagonal or not, and with one that a planar flow bends."""

from typing import final

from trainables.models.spec import EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form, Net
from trainables.objectives.base import BoundObjective
from trainables.parameters import own


@final
class VAE(BoundObjective):
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


@final
class VAEFullRank(BoundObjective):
    """VAE, full rank: a Gaussian encoder of any covariance L Lᵀ, in place of a diagonal one.

    Source: Kucukelbir et al. 2017 (ADVI), full-rank; a competitor in Mescheder et al. 2017, §5.1.

        −E_q log p(x|z~) + KL(q(z|x) ‖ p(z)),   z~ = m(x) + L(x) ε,   L triangular

    Departures from the papers:
        1. A network of x gives m and L; with one observation, as in Mescheder et al., it is that of free parameters.
        2. L has a positive diagonal exp(·), where the L of Kucukelbir et al. is unconstrained.
    """

    name = "vae_full_rank"
    label = "VAE, full rank"
    baselines = ("vae",)
    form = Form(
        {"encoder": Net(("x",), "z", explicit=True, full_rank=True), "decoder": EXPLICIT_DECODER},
        {"autoencoder": ("encoder", "decoder")},
    )


@final
class VAEFlow(BoundObjective):
    """VAE-NF: a normalising flow on top of the encoder's Gaussian.

    Source: Rezende & Mohamed 2015, eq. 15 and 20; the baseline of Pu et al. 2017 (AS-VAE), §5.2.

        −E_q [log p(x|z~) + log p(z~) − log q(z~|x)],   z~ = f_K(… f_1(z_0)),   z_0 Gaussian

    Attributes:
        length: K, planar layers of the flow.

    Departures from the papers:
        1. Planar layers (`length`): four by default, where the papers have 80.
        2. The bound is not annealed.
        3. w·u > −1 is held by another function (`trainables.models.planar`).
    """

    name = "vae_flow"
    label = "VAE-NF"
    baselines = ("vae",)
    length: int = own(4, least=1)
    form = VAE.form

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.form = self.form.bent("encoder", self.length)
