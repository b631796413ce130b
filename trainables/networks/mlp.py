"""Networks for ONE model and ONE batch: encoders and decoders, implicit or explicit, and critics.

Members of a cohort are vectorised outside (`trainables.engine.cohort`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from trainables.networks.base import Network, Ports
from trainables.networks.precision import affine
from trainables.parameters import fusible, structural
from trainables.randomness import philox

PADDING = 64
"""A network's parameters are padded to a multiple of this many floats: no member of a cohort shares a vector
register or a cache line with its neighbour, so its bits do not depend on its place."""


class Shape(NamedTuple):
    """An MLP's inputs, hidden units per layer, hidden layers and outputs."""

    inputs: int
    width: int
    depth: int
    outputs: int


Kernel = Callable[[Tensor, Tensor, Tensor | None, Shape], Tensor]
"""An MLP as a function: flat parameters [P], inputs [batch, inputs], dropout [5] or None, shape -> [batch, outputs]."""


class MLP(nn.Module):
    """`depth` hidden ReLU layers of `width` units, then an affine map.

    Its parameters are one flat array, as the kernels have them too: layer after layer, weight then bias, then padding. The last
    weight is stored with its narrow side first: a batched matrix product whose *output* is only 2-4 columns wide runs at a fifth
    of the speed, and this layout keeps its gradient from being one.

    Args:
        inputs, outputs: dimensions.
        depth: hidden layers.
        width: units per hidden layer.

    Attributes:
        precision: of the products (`trainables.networks.precision`).
        kernel: computes the same function, in float32, where the engine has one for this shape; or None.
    """

    def __init__(self, inputs: int, outputs: int, depth: int, width: int) -> None:
        super().__init__()
        self.precision = "float32"
        self.kernel: Kernel | None = None
        self.shape = Shape(inputs, width, depth, outputs)
        self.sizes = list(itertools.pairwise([inputs, *[width] * depth, outputs]))
        self.count = sum(a * b + b for a, b in self.sizes)
        self.flat = nn.Parameter(torch.zeros(-(-self.count // PADDING) * PADDING))

    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Weight [inputs, outputs] and bias [outputs] of each layer, as views of the flat parameters."""
        lengths = [n for a, b in self.sizes for n in (a * b, b)]
        pieces = self.flat.split([*lengths, len(self.flat) - self.count])
        weights = [piece.view(a, b) for piece, (a, b) in zip(pieces[:-1:2], self.sizes, strict=True)]
        inputs, outputs = self.sizes[-1]
        if outputs < inputs:
            weights[-1] = pieces[-3].view(outputs, inputs).t()
        return list(zip(weights, pieces[1:-1:2], strict=True))

    def forward(self, h: Tensor, dropout: Tensor | None = None) -> Tensor:
        """[batch, inputs] -> [batch, outputs]; `dropout` [5] of the hidden units as in `philox.multipliers`."""
        if self.kernel is not None:
            return self.kernel(self.flat, h, dropout, self.shape)
        *hidden, (weight, bias) = self.layers()
        for i, (w, b) in enumerate(hidden):
            h = affine(h, w, b, self.precision)
            if dropout is not None:
                # Before the ReLU, which a factor >= 0 passes: each product then stays in place.
                h = h * philox.multipliers(dropout, i, *h.shape)
            h = torch.relu(h)
        return affine(h, weight, bias, self.precision)

    def xavier_(self, rng: np.random.Generator) -> None:
        """Glorot & Bengio 2010, uniform: U(±√(6 / (inputs + outputs))), first layer first; zero bias."""
        with torch.no_grad():
            self.flat.zero_()
            for weight, _ in self.layers():
                bound = math.sqrt(6 / sum(weight.shape))
                draws = rng.uniform(-bound, bound, size=tuple(weight.shape))
                weight.copy_(torch.from_numpy(draws.astype(np.float32)))


class Joined(MLP):
    """An MLP on its inputs concatenated: z_φ(x, ε), x_θ(z, ξ), or the parameters of q(z|x) or p(x|z)."""

    def forward(self, *inputs: Tensor) -> Tensor:  # type: ignore[override]
        """Each [batch, d] -> [batch, outputs]."""
        return super().forward(torch.cat(inputs, dim=-1) if len(inputs) > 1 else inputs[0])


class Critic(MLP):
    """f: an unbounded score of what it sees, such as a pair (x, z)."""

    def forward(self, *inputs: Tensor | None) -> Tensor:
        """Each [batch, d], and dropout as of an `MLP` or None, which may be left out -> scores [batch]."""
        seen = [v for v in inputs if v is not None and v.is_floating_point()]
        dropout = inputs[-1] if len(seen) < len(inputs) else None
        return super().forward(torch.cat(seen, dim=-1) if len(seen) > 1 else seen[0], dropout).squeeze(-1)


@final
class Perceptron(Network):
    """The networks of the studies: multi-layer perceptrons, as the papers' toy experiments have them.

    Attributes:
        depth: hidden layers of encoder and of decoder.
        width: units per hidden layer, of every network.
        critic_depth: hidden layers of the critic.
        critic_dropout: probability of dropping a hidden unit of the critic.
    """

    name = "mlp"
    depth: int = structural(least=1, roles=("encoder", "decoder"))
    width: int = structural(least=1)
    critic_depth: int = structural(least=1, roles=("critic",))
    critic_dropout: float = fusible(least=0.0, below=1.0, roles=("critic",))

    @property
    def dropout(self) -> float:
        """`critic_dropout`."""
        return self.critic_dropout

    @property
    def fused(self) -> bool:
        return True

    @property
    def units_per_layer(self) -> int:
        """`width`."""
        return self.width

    def build(self, ports: Ports) -> MLP:
        """Uninitialised: `MLP.xavier_` does it."""
        if ports.role == "critic":
            return Critic(ports.width, ports.outputs, self.critic_depth, self.width)
        return Joined(ports.width, ports.outputs, self.depth, self.width)

    def products(self, ports: Ports) -> tuple[float, float]:
        depth = self.critic_depth if ports.role == "critic" else self.depth
        return float((ports.width + ports.outputs) * self.width), float((depth - 1) * self.width**2)

    def units(self, ports: Ports) -> float:
        return float(self.width * (self.critic_depth if ports.role == "critic" else self.depth))
