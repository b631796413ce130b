"""ALI: adversarially learned inference, without a reconstruction term."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective


@final
class ALI(JointObjective):
    """ALI: encoder and decoder see the critic after the squashing.

    Source: Dumoulin et al. 2017; Pu et al. 2017 (sVAE), eq. 18 and 19.

        E_q s(−f) + E_p s(f)

    Departures from the paper:
        1. Non-saturating, as every released code trains it; eq. 18's minimax form is `ali_minimax`.
    """

    name = "ali"
    label = "ALI"
    colour = "#E69F00"

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return softplus(-batch.f_q).mean() + softplus(batch.f_p).mean()


@final
class ALIMinimax(JointObjective):
    """ALI, minimax: encoder and decoder minimise what the critic maximises.

    Source: Dumoulin et al. 2017; Pu et al. 2017 (sVAE), eq. 18.

        −E_q s(f) − E_p s(−f)

    Where the critic is sure its gradient vanishes; at f = 0 it is ALI's.
    """

    name = "ali_minimax"
    label = "ALI, minimax"
    baselines = ("ali",)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -softplus(batch.f_q).mean() - softplus(-batch.f_p).mean()
