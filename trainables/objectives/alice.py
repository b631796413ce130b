"""ALICE: ALI with explicit reconstruction of data and code."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective
from trainables.parameters import weight


@final
class ALICE(JointObjective):
    """ALICE: ALI plus λ times the reconstruction of x and of z.

    Source: Li et al. 2017; Pu et al. (sVAE), §6.1.

        E_q s(−f) + E_p s(f) + λ (R_x + R_z)

    R_x and R_z are in nats (`Batch.R_x`): in the plane the mean squares of the released code, whose λ is 1, and λ weighs the
    same on data of any dimension.

    Departures from the paper:
        1. Non-saturating, as ALI.
        2. z is drawn anew at every step; the released code draws it from a fixed set, and keeps it for an iteration.
    """

    name = "alice"
    label = "ALICE"
    colour = "#D55E00"
    lam = weight()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return (
            softplus(-batch.f_q).mean() + softplus(batch.f_p).mean() + lam * (batch.R_x + batch.R_z)
        )  # fmt: skip


@final
class ALICEx(JointObjective):
    """ALICE, R_x alone: ALI plus λ times the reconstruction of x, the cycle of its paper.

    Source: Li et al. 2017, §3.2 (explicit cycle-consistency).

        E_q s(−f) + E_p s(f) + λ R_x

    Departures from the paper: as ALICE.
    """

    name = "alice_x"
    label = "ALICE, R_x alone"
    baselines = ("alice",)
    lam = weight()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return softplus(-batch.f_q).mean() + softplus(batch.f_p).mean() + lam * batch.R_x
