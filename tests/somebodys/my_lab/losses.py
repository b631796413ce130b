"""Hinge: a joint adversarial system with a hinge critic."""

from typing import final

from torch import Tensor, relu

from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective
from trainables.parameters import own


@final
class Hinge(JointObjective):
    """Hinge: encoder and decoder answer a hinge critic.

    Source: Lim & Ye 2017.

        critic: E_q max(0, m + f) + E_p max(0, m − f);   encoder and decoder: E_p f − E_q f
    """

    name = "hinge"
    label = "Hinge"
    baselines = ("alice",)
    margin: float = own(1.0, above=0.0)

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """The hinge of both sides."""
        return relu(self.margin + batch.f_q).mean() + relu(self.margin - batch.f_p).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return batch.f_p.mean() - batch.f_q.mean()


class Unfinished(JointObjective):
    """Has no loss for encoder and decoder."""

    name = "unfinished"
    label = "Unfinished"


class Nameless(JointObjective):
    """Has no name."""

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return batch.f_p.mean()


def loss(batch: Batch) -> Tensor:
    """No class."""
    return batch.f_p.mean()
