"""Adam, and with a weight decay AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from torch import Tensor

from trainables.optimisers.base import Optimiser
from trainables.parameters import fusible

BETA2 = 0.999
EPSILON = 1e-8


@final
class Adam(Optimiser):
    """Adam: a step along the mean gradient over the root of the mean squared gradient, both corrected for their start at 0.

    Source: Kingma & Ba 2015, algorithm 1, and Loshchilov & Hutter 2019, algorithm 2, as torch.optim.AdamW computes it.

        m ← β1 m + (1 − β1) g;   v ← β2 v + (1 − β2) g²
        θ ← (1 − rate · decay) θ − rate · m / (1 − β1ᵗ) / (√(v / (1 − β2ᵗ)) + ε),   β2 = 0.999, ε = 1e-8

    Cohorts train by hand-written forms of it (`trainables.engine.optimisation`).

    Attributes:
        learning_rate: rate of every player's steps.
        beta1: β1, decay of the mean gradient.
        weight_decay: part of the rate by which parameters shrink at each step.
    """

    name = "adam"
    learning_rate: float = fusible(above=0.0)
    beta1: float = fusible(least=0.0, below=1.0)
    weight_decay: float = fusible(least=0.0, default=0.0)
    state: ClassVar[tuple[str, ...]] = ("first", "second")

    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        first = self.beta1 * state["first"] + (1 - self.beta1) * gradient
        second = BETA2 * state["second"] + (1 - BETA2) * gradient.square()
        kept = 1 - self.learning_rate * self.weight_decay
        root = (second / (1 - BETA2**step)).sqrt() + EPSILON
        after = kept * parameters - self.learning_rate * first / (1 - self.beta1**step) / root
        return after, {"first": first, "second": second}
