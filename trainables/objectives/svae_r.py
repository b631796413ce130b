"""sVAE-r: the symmetric variational autoencoder with reconstruction."""

from typing import final

from torch import Tensor

from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective
from trainables.parameters import weight


@final
class SVAEr(JointObjective):
    """sVAE-r: sVAE plus λ times the reconstruction of x and of z.

    Source: Pu et al. 2017, eq. 14 and 29.

        E_p f − E_q f + λ (R_x + R_z)

    Departures from the paper:
        1. eq. 29's −log p(x|z) and −log q(z|x) are those of unit-variance Gaussians, up to constants: R_x and R_z.
        2. Encoder and decoder are implicit, and the squared error is of a sample: it counts the decoder's own noise too. The
           paper's are explicit Gaussians with learned variances.
    """

    name = "svae_r"
    label = "sVAE-r"
    baselines = ("alice",)
    lam = weight()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return batch.f_p.mean() - batch.f_q.mean() + lam * (batch.R_x + batch.R_z)
