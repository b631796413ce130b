"""Lion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from torch import Tensor

from trainables.optimisers.base import Optimiser
from trainables.parameters import fusible


@final
class Lion(Optimiser):
    """Lion: a step of one length in each parameter, against the sign of its mean gradient.

    Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2, without weight decay.

        θ ← θ − rate · sign(β1 m + (1 − β1) g);   m ← β2 m + (1 − β2) g
    """

    name = "lion"
    learning_rate: float = fusible(above=0.0)
    beta1: float = fusible(least=0.0, below=1.0)
    beta2: float = fusible(least=0.0, below=1.0, default=0.99)
    state: ClassVar[tuple[str, ...]] = ("mean",)

    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        direction = torch.sign(self.beta1 * state["mean"] + (1 - self.beta1) * gradient)
        mean = self.beta2 * state["mean"] + (1 - self.beta2) * gradient
        return parameters - self.learning_rate * direction, {"mean": mean}
