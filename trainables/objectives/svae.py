"""sVAE: the symmetric variational autoencoder."""

from typing import final

from torch import Tensor

from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective


@final
class SVAE(JointObjective):
    """sVAE: encoder and decoder see the critic before the squashing.

    Source: Pu et al. 2017, eq. 14 (negated: minimised here).

        E_p f − E_q f

    With the optimal critic its value is KL(p‖q) + KL(q‖p) between the two joints (eq. 15). Its gradient with the critic held
    fixed, which is followed here as in the paper, is that of KL(p‖q) for the decoder and of KL(q‖p) for the encoder alone.

    Departures from the paper:
        1. Encoder and decoder are implicit; the paper's are explicit Gaussians.
    """

    name = "svae"
    label = "sVAE"
    colour = "#56B4E9"
    baselines = ("ali",)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return batch.f_p.mean() - batch.f_q.mean()
