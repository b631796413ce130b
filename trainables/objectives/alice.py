"""ALICE: ALI with explicit reconstruction of data and code."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.batch import Batch
from trainables.objectives.base import JointObjective


@final
class ALICE(JointObjective):
    """ALICE: ALI plus λ times the reconstruction of x and of z.

    Source: Li et al. 2017; Pu et al. (sVAE), §6.1.

        E_q s(−f) + E_p s(f) + λ (R_x + R_z)

    Departures from the paper:
        1. Non-saturating, as ALI.
        2. Both x and z are reconstructed, so that sVAE-r differs from it in the critic's use alone.
    """

    name = "alice"
    label = "ALICE"

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return (
            softplus(-batch.f_q).mean() + softplus(batch.f_p).mean() + lam * (batch.R_x + batch.R_z)
        )  # fmt: skip
