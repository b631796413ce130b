"""RMSProp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from torch import Tensor

from trainables.optimisers.base import Optimiser
from trainables.parameters import fusible

EPSILON = 1e-8


@final
class RMSProp(Optimiser):
    """RMSProp: a step down the gradient over the root of its mean square.

    Source: Tieleman & Hinton 2012, lecture 6.5, as torch.optim.RMSprop computes it.

        v ← α v + (1 − α) g²;   θ ← θ − rate · g / (√v + ε),   ε = 1e-8

    Attributes:
        learning_rate: rate of every player's steps.
        alpha: α, decay of the mean squared gradient.
    """

    name = "rmsprop"
    learning_rate: float = fusible(above=0.0)
    alpha: float = fusible(least=0.0, below=1.0, default=0.99)
    state: ClassVar[tuple[str, ...]] = ("square",)

    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        square = self.alpha * state["square"] + (1 - self.alpha) * gradient.square()
        return parameters - self.learning_rate * gradient / (square.sqrt() + EPSILON), {"square": square}
