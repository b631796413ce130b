"""Bisection as ONE operation of torch: a flow of eighty layers is traced once a layer, and the engine has it in C++ too."""

from __future__ import annotations

import torch
from torch import Tensor

_library = torch.library.Library("robustness", "FRAGMENT")
_library.define("bisected(Tensor target, Tensor c, int steps) -> Tensor")


def bisected(target: Tensor, c: Tensor, steps: int) -> Tensor:
    """a with a + c tanh(a) = target, up to 2^−steps of |c|, elementwise; c > −1. It has no gradient."""
    found: Tensor = BISECTED(target, c, steps)
    return found


def _bisected(target: Tensor, c: Tensor, steps: int) -> Tensor:
    a, step = target, c.abs()  # tanh is within ±1: a is within ±|c| of the target
    for _ in range(steps):
        step = step / 2
        a = a + step * torch.sgn(target - a - c * torch.tanh(a))
    return a


BISECTED = torch.ops.robustness.bisected.default
_library.impl("bisected", _bisected, "CompositeExplicitAutograd")


@torch.library.register_fake("robustness::bisected", lib=_library)
def _(target: Tensor, c: Tensor, steps: int) -> Tensor:
    return target.new_empty(torch.broadcast_shapes(target.shape, c.shape))


@torch.library.register_vmap("robustness::bisected", lib=_library)
def _(
    info: object, places: tuple[int | None, ...], target: Tensor, c: Tensor, steps: int
) -> tuple[Tensor, int]:
    pairs = list(zip((target, c), places, strict=False))
    rank = max(value.dim() - (place is not None) for value, place in pairs)
    aligned = [value if place is None else _first(value, place, rank) for value, place in pairs]
    return BISECTED(*aligned, steps), 0


def _first(value: Tensor, place: int, rank: int) -> Tensor:
    """The members' dimension moved to the front, and dimensions of one point filled up to `rank` behind it."""
    value = value.movedim(place, 0)
    return value.reshape(len(value), *[1] * (rank - value.dim() + 1), *value.shape[1:])
