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

BISECTIONS = 20
"""Steps of the inversion before its Newton step: w·z + b is then known to 2^−20 of |c|."""

SHIFT = math.log(math.e - 1)

TINY = 1e-12
"""Added to ‖w‖², for a w that is 0: such a layer only shifts."""


class Layer(NamedTuple):
    """û [..., d], w [..., d], b [..., 1], and 1 + c [..., 1], which is > 0."""

    u: Tensor
    w: Tensor
    b: Tensor
    room: Tensor


def parameters(dimension: int, length: int) -> int:
    """Numbers that a flow of `length` layers takes per point."""
    return length * (2 * dimension + 1)


def forward(z: Tensor, given: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Image of z [..., d] under the flow of `given` [..., parameters], and log|det| [...] of the map there."""
    log_det = torch.zeros_like(z[..., 0])
    for layer in _layers(given, z.shape[-1], length):
        h = torch.tanh(_dot(layer.w, z) + layer.b)
        z = z + layer.u * h
        log_det = log_det + _log_slope(layer, h)
    return z, log_det


def inverse(image: Tensor, given: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """z [..., d] whose image [..., d] is given, and log|det| [...] of the map there.

    Along w a layer is α = a + c tanh(a) for a = w·z + b, which grows with a: bisection finds a without a gradient, one
    Newton step polishes it and has the gradient of the exact solution.
    """
    log_det = torch.zeros_like(image[..., 0])
    for layer in reversed(_layers(given, image.shape[-1], length)):
        a = _solved(_dot(layer.w, image) + layer.b, layer.room)
        h = torch.tanh(a)
        image = image - layer.u * h
        log_det = log_det + _log_slope(layer, h)
    return image, log_det


def _layers(given: Tensor, dimension: int, length: int) -> list[Layer]:
    layers = []
    for layer in given.split(2 * dimension + 1, dim=-1):
        u, w, b = layer.split([dimension, dimension, 1], dim=-1)
        along = _dot(w, u)
        room = softplus(along + SHIFT)
        layers.append(Layer(u + (room - 1 - along) * w / (_dot(w, w) + TINY), w, b, room))
    assert len(layers) == length
    return layers


def _solved(alpha: Tensor, room: Tensor) -> Tensor:
    """a with a + c tanh(a) = α, c = room − 1."""
    target, c = alpha.detach(), room.detach() - 1
    a, step = target, c.abs()  # tanh is within ±1: a is within ±|c| of α
    for _ in range(BISECTIONS):
        step = step / 2
        a = a + step * torch.sgn(target - a - c * torch.tanh(a))
    h = torch.tanh(a)
    return a - (a + (room - 1) * h - alpha) / _slope(room, h)


def _slope(room: Tensor, h: Tensor) -> Tensor:
    """1 + c (1 − h²), written as a sum of what is not negative."""
    return room * (1 - h.square()) + h.square()


def _log_slope(layer: Layer, h: Tensor) -> Tensor:
    return _slope(layer.room, h).log().squeeze(-1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)
