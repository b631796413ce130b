"""What an objective is: one loss per player, for one model and one batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from trainables.joint import JointBatch

PLAYERS: dict[str, tuple[str, ...]] = {"critic": ("critic",), "autoencoder": ("encoder", "decoder")}
"""Player -> the networks it trains. The critic steps once an iteration, the others `steps` times."""


class Objective(ABC):
    """A joint adversarial system: the critic of eq. 10, and how encoder and decoder answer it.

    A player's loss is the method of its name: a scalar that the player minimises, from a batch and λ.
    Final subclasses set `name` and `label` and write the autoencoder's loss.
    """

    name: ClassVar[str]
    label: ClassVar[str]

    def critic(self, batch: JointBatch, lam: Tensor) -> Tensor:
        """E_q s(f) + E_p s(−f), with s(t) = log(1 + exp t): Pu et al. 2017, eq. 10 (negated).

        Its optimum is f = log p(x, z) − log q(x, z) (eq. 11).
        """
        return softplus(batch.f_q).mean() + softplus(-batch.f_p).mean()

    @abstractmethod
    def autoencoder(self, batch: JointBatch, lam: Tensor) -> Tensor:
        """Scalar that encoder and decoder minimise together."""
