"""Networks for ONE model and ONE batch: encoders and decoders, implicit or explicit, and critics.

Members of a cohort are vectorised outside (`trainables.engine.cohort`).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import Tensor, nn

from trainables.datasets.base import DataSet
from trainables.engine.native import kernels
from trainables.models.spec import Form
from trainables.networks.precision import affine
from trainables.randomness import philox
from trainables.runs import Configuration

PADDING = 64
"""A network's parameters are padded to a multiple of this many floats: no member of a cohort shares a vector
register or a cache line with its neighbour, so its bits do not depend on its place."""


class MLP(nn.Module):
    """`depth` hidden ReLU layers of `width` units, then an affine map.

    Its parameters are one flat array: layer after layer, weight then bias, then padding. A weight is stored with its
    narrow side first: a batched matrix product whose *output* is only 2-4 columns wide runs at a fifth of the speed,
    and this layout keeps the gradients from being one.

    Args:
        inputs, outputs: dimensions.
        depth: hidden layers.
        width: units per hidden layer.
        native: use the native kernels (the same function, for CPUs) where there are any for this shape.
        precision: of the products (`trainables.networks.precision`); the kernels are float32.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        depth: int,
        width: int,
        native: bool = False,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.precision = precision
        self.shape = kernels.Shape(inputs, width, depth, outputs)
        self.native = native and precision == "float32" and kernels.usable(self.shape)
        self.sizes = list(itertools.pairwise([inputs, *[width] * depth, outputs]))
        self.count = sum(a * b + b for a, b in self.sizes)
        self.flat = nn.Parameter(torch.zeros(-(-self.count // PADDING) * PADDING))

    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Weight [inputs, outputs] and bias [outputs] of each layer, as views of the flat parameters."""
        lengths = [n for a, b in self.sizes for n in (a * b, b)]
        pieces = self.flat.split([*lengths, len(self.flat) - self.count])
        return [
            (pieces[2 * i].view(b, a).t() if b < a else pieces[2 * i].view(a, b), pieces[2 * i + 1])
            for i, (a, b) in enumerate(self.sizes)
        ]

    def forward(self, h: Tensor, dropout: Tensor | None = None) -> Tensor:
        """[batch, inputs] -> [batch, outputs]; `dropout` [5] of the hidden units as in `philox.multipliers`."""
        if self.native:
            return kernels.mlp(self.flat, h, dropout, self.shape)
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


def build(
    configuration: Configuration, form: Form, data: DataSet, native: bool = False, precision: str = "float32"
) -> dict[str, MLP]:
    """The networks of one configuration of a system by name, uninitialised; those that the data come with are left out."""
    c = configuration
    built: dict[str, MLP] = {}
    for name, net in form.networks.items():
        if name in data.known:
            continue
        kind, depth = (Critic, c.critic_depth) if net.critic else (Joined, c.depth)
        built[name] = kind(*form.size(name, data), depth, c.width, native and not form.twice, precision)
    return built
