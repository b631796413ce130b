"""Networks for ONE model and ONE batch: stochastic encoder and decoder, critic.

Members of a cohort are vectorised outside (`trainables.cohort`).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import Tensor, nn

from trainables.mixture import X_DIM, Z_DIM
from trainables.runs import Configuration

NOISE_DIM = 2
"""Gaussian noise concatenated to the input of encoder and decoder, as in the released ALICE code."""


class Linear(nn.Module):
    """Affine map [batch, inputs] -> [batch, outputs].

    The weight is stored with its narrow side first: a batched matrix product whose *output* is only
    2-4 columns wide runs at a fifth of the speed, and this layout keeps the gradients from being one.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.flipped = outputs < inputs
        self.fan = (inputs, outputs)
        shape = (outputs, inputs) if self.flipped else (inputs, outputs)
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, h: Tensor) -> Tensor:
        return torch.addmm(self.bias, h, self.weight.t() if self.flipped else self.weight)

    def xavier_(self, rng: np.random.Generator) -> None:
        """Glorot & Bengio 2010, uniform: U(±√(6 / (inputs + outputs))); zero bias."""
        bound = math.sqrt(6 / sum(self.fan))
        draws = rng.uniform(-bound, bound, size=self.fan)
        weight = torch.from_numpy((draws.T if self.flipped else draws).astype(np.float32))
        with torch.no_grad():
            self.weight.copy_(weight)
            self.bias.zero_()


class MLP(nn.Module):
    """`depth` hidden ReLU layers of `width` units, then an affine map."""

    def __init__(self, inputs: int, outputs: int, depth: int, width: int) -> None:
        super().__init__()
        sizes = [inputs, *[width] * depth, outputs]
        self.layers = nn.ModuleList(Linear(a, b) for a, b in itertools.pairwise(sizes))

    def forward(self, h: Tensor, dropout: Tensor | None = None) -> Tensor:
        """[batch, inputs] -> [batch, outputs].

        `dropout` [depth, batch, width] multiplies the hidden units: 0 where dropped, else 1 / (1 - p).
        """
        *hidden, last = self.layers
        for i, layer in enumerate(hidden):
            h = layer(h)
            if dropout is not None:
                h = (
                    h * dropout[i]
                )  # before the ReLU, which a factor >= 0 passes: each product then stays in place
            h = torch.relu(h)
        output: Tensor = last(h)
        return output

    def xavier_(self, rng: np.random.Generator) -> None:
        """Initialise every layer from `rng`, first layer first."""
        for layer in self.layers:
            assert isinstance(layer, Linear)
            layer.xavier_(rng)


class StochasticMLP(MLP):
    """z = z_φ(x, ε) or x = x_θ(z, ξ): an MLP on its input with noise concatenated."""

    def __init__(self, inputs: int, outputs: int, depth: int, width: int) -> None:
        super().__init__(inputs + NOISE_DIM, outputs, depth, width)

    def forward(self, h: Tensor, noise: Tensor | None = None) -> Tensor:
        """[batch, inputs] and noise [batch, NOISE_DIM] -> [batch, outputs]."""
        assert noise is not None
        return super().forward(torch.cat([h, noise], dim=-1))


class Critic(MLP):
    """f(x, z): an unbounded score for each pair."""

    def forward(self, x: Tensor, z: Tensor | None = None, dropout: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """x [batch, x_dim], z [batch, z_dim] -> scores [batch]."""
        assert z is not None
        return super().forward(torch.cat([x, z], dim=-1), dropout).squeeze(-1)


def build(configuration: Configuration) -> dict[str, MLP]:
    """The networks of one configuration by name, uninitialised."""
    c = configuration
    return {
        "encoder": StochasticMLP(X_DIM, Z_DIM, c.depth, c.width),
        "decoder": StochasticMLP(Z_DIM, X_DIM, c.depth, c.width),
        "critic": Critic(X_DIM + Z_DIM, 1, c.critic_depth, c.width),
    }
