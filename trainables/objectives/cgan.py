"""CGAN and IWCGAN: the class-conditional forms of GAN and IWGAN."""

from typing import final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import Form, Net
from trainables.objectives.base import Objective

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

        decoder: Σ_y n_y / n Σᵢ w̃ᵢ s(f(x~ᵢ, y)), w̃ᵢ ∝ exp(−f(x~ᵢ, y)) adding up to 1 over the n_y points of a label

    The bound of eq. 21 is one of each label's.

    Departures from the paper: as GAN.
    """

    name = "iwcgan"
    version = 2
    label = "IWCGAN"
    baselines = ("cgan",)
    form = CONDITIONAL

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        assert batch.y is not None
        return weighted_within(batch.f_p, batch.y)


def weighted_within(scores: Tensor, y: Tensor) -> Tensor:
    """Σ_y n_y / n Σᵢ w̃ᵢ s(fᵢ) of scores [batch] with labels, one-hot [batch, classes]; w̃ constant in the gradient."""
    others = (1 - y) * 1e4  # far beyond any score: out of a label's softmax
    weights = torch.softmax(-scores.detach().unsqueeze(-1) - others, 0)
    return (y.mean(0) * (y * weights * softplus(scores).unsqueeze(-1)).sum(0)).sum()
