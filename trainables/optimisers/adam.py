"""Adam for a cohort: one flat array of parameters; a rate, a β1 and a weight decay per member.

Source: Kingma & Ba 2015, algorithm 1, and Loshchilov & Hutter 2019, algorithm 2, as torch.optim.AdamW computes it (β2 = 0.999, ε = 1e-8):
a step first multiplies the parameters by 1 − rate × decay, which is Adam where the decay is 0.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BETA2 = 0.999
EPSILON = 1e-8


class Adam:
    """Optimiser state of M members with P parameters each.

    Args:
        parameters: [M, P], updated in place.
        learning_rate: per member, [M].
        beta1: per member, [M].
        weight_decay: per member, [M].

    Attributes:
        kept: what a step leaves of a parameter before it goes down the gradient, [M]; None where that is all, of every member.
        first, second: moments, [M, P].
        taken: steps taken so far, the same for all members; who takes them counts them.
    """

    def __init__(
        self, parameters: Tensor, learning_rate: Tensor, beta1: Tensor, weight_decay: Tensor
    ) -> None:
        self.parameters = parameters
        self.rates = learning_rate.double().cpu().numpy()
        self.betas = beta1.double().cpu().numpy()
        self.beta1 = beta1.to(parameters).unsqueeze(1)
        self.one_minus_beta1 = (1 - beta1.double()).to(parameters).unsqueeze(1)
        kept = (1 - learning_rate.double() * weight_decay.double()).to(parameters)
        self.kept = kept if bool(weight_decay.any()) else None
        self.first = torch.zeros_like(parameters)
        self.second = torch.zeros_like(parameters)
        self.taken = 0

    def schedule(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """What the next `steps` steps need, computed in float64: rates [steps, M], rate / (1 − β1ᵗ), and
        corrections [steps], 1 / √(1 − β2ᵗ); both float32."""
        t = self.taken + 1 + np.arange(steps)[:, None]
        rates = self.rates / (1 - self.betas**t)
        return rates.astype(np.float32), (1 / np.sqrt(1 - BETA2 ** t[:, 0])).astype(np.float32)

    def step(self, gradient: Tensor, rate: Tensor, correction: Tensor) -> None:
        """One step down `gradient` [M, P] with a scheduled rate [M] and correction, a scalar on the same device."""
        if self.kept is not None:
            self.parameters.mul_(self.kept.unsqueeze(1))
        self.first.mul_(self.beta1).addcmul_(gradient, self.one_minus_beta1)
        self.second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        denominator = self.second.sqrt().mul_(correction).add_(EPSILON)
        self.parameters.addcdiv_(self.first * rate.unsqueeze(1), denominator, value=-1.0)
