"""Planar flows: a density made by bending a simple one, once per layer, each time along one direction.

Source: Rezende & Mohamed 2015, "Variational inference with normalizing flows", eq. 10 to 12 and appendix A.1.

    z' = z + û tanh(w·z + b),   log|det ∂z'/∂z| = log(1 + c (1 − tanh²(w·z + b))),   c = w·û > −1

û is u with its part along w moved so that c = −1 + log(1 + (e − 1) exp(w·u)) > −1: every layer is invertible. The
paper's c lacks the factor e − 1, without which û grows without bound as w goes to 0; with it c = 0 where w·u = 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.bisection import bisected

BISECTIONS = 20
"""Steps of the inversion before its Newton step: w·z + b is then known to 2^−20 of |c|."""

SHIFT = math.log(math.e - 1)

TINY = 1e-12
"""Added to ‖w‖², for a w that is 0: such a layer only shifts."""


class Layers(NamedTuple):
    """Layer by layer û [length, ..., d], w [length, ..., d], b [length, ..., 1], and 1 + c [length, ..., 1], which is > 0."""

    u: Tensor
    w: Tensor
    b: Tensor
    room: Tensor

    def each(self) -> list[tuple[Tensor, ...]]:
        """(û [..., d], w [..., d], b [..., 1], 1 + c [..., 1]) of every layer."""
        return list(zip(*(values.unbind() for values in self), strict=True))


def parameters(dimension: int, length: int) -> int:
    """Numbers that a flow of `length` layers takes per point."""
    return length * (2 * dimension + 1)


def forward(z: Tensor, given: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Image of z [..., d] under the flow of `given` [..., parameters], and log|det| [...] of the map there."""
    layers, heights = _layers(given, z, length), []
    for u, w, b, _ in layers.each():
        h = torch.tanh(_dot(w, z) + b)
        z = z + u * h
        heights.append(h)
    return z, _log_det(layers, heights)


def inverse(image: Tensor, given: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """z [..., d] whose image [..., d] is given, and log|det| [...] of the map there.

    Along w a layer is α = a + c tanh(a) for a = w·z + b, which grows with a: bisection finds a without a gradient, one
    Newton step polishes it and has the gradient of the exact solution.
    """
    layers, heights = _layers(given, image, length), []
    for u, w, b, room in reversed(layers.each()):
        h = torch.tanh(_solved(_dot(w, image) + b, room))
        image = image - u * h
        heights.append(h)
    return image, _log_det(layers, heights[::-1])


def _layers(given: Tensor, value: Tensor, length: int) -> Layers:
    """All layers at once: what does not depend on the layer before takes as many operations for eighty as for one."""
    given, dimension = given[(None,) * (value.dim() - given.dim())], value.shape[-1]
    numbers = given.unflatten(-1, (length, 2 * dimension + 1)).movedim(-2, 0)
    u, w, b = numbers.split([dimension, dimension, 1], dim=-1)
    along = _dot(w, u)
    room = softplus(along + SHIFT)
    return Layers(u + (room - 1 - along) * w / (_dot(w, w) + TINY), w, b, room)


def _solved(alpha: Tensor, room: Tensor) -> Tensor:
    """a with a + c tanh(a) = α, c = room − 1."""
    a = bisected(alpha.detach(), room.detach() - 1, BISECTIONS)
    h = torch.tanh(a)
    return a - (a + (room - 1) * h - alpha) / _slope(room, h)


def _log_det(layers: Layers, heights: list[Tensor]) -> Tensor:
    """Sum over layers, one after the other, of log(1 + c (1 − h²)): [...]."""
    first, *others = _slope(layers.room, torch.stack(heights)).log().squeeze(-1).unbind()
    return sum(others, start=first)


def _slope(room: Tensor, h: Tensor) -> Tensor:
    """1 + c (1 − h²), written as a sum of what is not negative."""
    return room * (1 - h.square()) + h.square()


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)
