"""CGAN and IWCGAN: the class-conditional forms of GAN and IWGAN."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.batch import Batch
from trainables.form import Form, Net
from trainables.objectives.base import Objective
from trainables.objectives.iwgan import weighted

CONDITIONAL = Form(
    {"decoder": Net(("z", "xi", "y"), "x"), "critic": Net(("x", "y"), "score")},
    {"critic": ("critic",), "autoencoder": ("decoder",)},
)


@final
class CGAN(Objective):
    """CGAN: decoder and critic are given the label; points are generated for the labels of the batch.

    Source: Mirza & Osindero 2014; Hu et al. 2018, §5.1.

        critic: E_data s(f(x, y)) + E_p s(−f(x~, y));   decoder: E_p s(f(x~, y))

    Departures from the paper: as GAN.
    """

    name = "cgan"
    label = "CGAN"
    form = CONDITIONAL

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return softplus(batch.f_p).mean()


@final
class IWCGAN(Objective):
    """IWCGAN: CGAN whose generated points weigh as much as they deceive the critic.

    Source: Hu et al. 2018, eq. 22, 44 and 47, §5.1.

        decoder: Σᵢ w̃ᵢ s(f(x~ᵢ, yᵢ)), w̃ᵢ ∝ exp(−f(x~ᵢ, yᵢ))

    Departures from the paper: as GAN.
    """

    name = "iwcgan"
    label = "IWCGAN"
    form = CONDITIONAL

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return weighted(batch.f_p, None)
