"""CVAE and AACVAE: the class-conditional forms of VAE and AAVAE."""

from typing import final

from torch import Tensor

from trainables.models.batch import Batch, Model
from trainables.models.spec import Form, Net
from trainables.objectives.aavae import activated
from trainables.objectives.base import BoundObjective, Objective
from trainables.parameters import own

_PAIR = {"encoder": Net(("x", "y"), "z", explicit=True), "decoder": Net(("z", "y"), "x", explicit=True)}


@final
class CVAE(BoundObjective):
    """CVAE: encoder and decoder are given the label.

    Source: Sohn et al. 2015; Hu et al. 2018, §5.2.

        −E_q log p(x|z~, y) + KL(q(z|x, y) ‖ p(z))

    Departures from the paper:
        1. p(z) is N(0, I), as in Kingma et al. 2014 (M2); Sohn et al. learn a prior p(z|y).
    """

    name = "cvae"
    label = "CVAE"
    form = Form(_PAIR, {"autoencoder": ("encoder", "decoder")})


@final
class AACVAE(Objective):
    """AACVAE: CVAE that learns from its own points for the labels of the batch, as far as they deceive a critic.

    Source: Hu et al. 2018, eq. 23, 48 and 50, §5.2.

        critic: E_data s(f(x, y)) + E_p s(−f(x~, y))
        encoder and decoder: −E_data [D(x, y) ELBO(x, y)] − E_p [D(x~, y) ELBO(x~, y)]

    Attributes:
        temperature: T of the weights D = σ(−f / T).

    Departures from the paper: as AAVAE.
    """

    name = "aacvae"
    label = "AACVAE"
    baselines = ("cvae",)
    temperature: float = own(1.5, above=0.0)
    form = Form(
        {**_PAIR, "critic": Net(("x", "y"), "score")},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return activated(batch, self.temperature)

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """Of log p(x|y)."""
        return model.elbo(x, epsilon)
