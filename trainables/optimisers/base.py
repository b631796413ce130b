"""Optimisers as a user writes them: one step of ONE model's flat parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from trainables.parameters import Part


class Optimiser(Part, ABC):
    """Declares an optimiser's hyper-parameters and computes a step.

        class Momentum(Optimiser):
            name = "momentum"
            learning_rate: float = fusible(above=0.0)
            momentum: float = fusible(least=0.0, below=1.0, default=0.9)
            state = ("velocity",)

            def update(self, parameters, gradient, state, step):
                velocity = self.momentum * state["velocity"] + gradient
                return parameters - self.learning_rate * velocity, {"velocity": velocity}

    Attributes:
        state: names of what it keeps from step to step, each shaped like the parameters and 0 before the first step.
    """

    state: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The parameters and the state after a step; nothing in place.

        Args:
            parameters: [P], float32.
            gradient: of the loss, [P].
            state: name -> [P].
            step: number of the step, from 1, a scalar like each of its fusible hyper-parameters.
        """
