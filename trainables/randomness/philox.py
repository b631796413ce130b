"""Random numbers as a function of a key and a counter: nothing to store, the same on every device.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", Philox4x32-10. `native/philox.h` is the same
function for CPUs. Words of 32 bits are held in int64, whose products keep their lower 64 bits when they overflow.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

STREAMS = 16
"""Counters whose words lie beside each other: what a vector instruction computes at once."""

LEVELS = 1 << 16
"""Dropout probabilities are multiples of 1/65,536: a quarter of the random bits that a float takes."""

_LOWER = 0xFFFFFFFF


def philox(key: tuple[Tensor, Tensor], counter: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Four random words from a key of two words and a counter of four; int64 tensors that broadcast."""
    low, high = key
    x0, x1, x2, x3 = counter
    for round_ in range(10):
        even, odd = x0 * 0xD2511F53, x2 * 0xCD9E8D57
        k0, k1 = low + round_ * 0x9E3779B9 & _LOWER, high + round_ * 0xBB67AE85 & _LOWER
        x0, x2 = (odd >> 32 & _LOWER) ^ x1 ^ k0, (even >> 32 & _LOWER) ^ x3 ^ k1
        x1, x3 = odd & _LOWER, even & _LOWER
    return x0, x1, x2, x3


def normals(keys: Tensor, steps: Tensor, count: int) -> Tensor:
    """Standard-normal numbers, [len(steps), M, count], by Box and Muller's transformation.

    Args:
        keys: the two words of each member's stream, int64 [M, 2].
        steps: int64.
        count: numbers for each member and step.
    """
    half = _rounded(count, 4 * STREAMS) // 2
    block = torch.arange(half // 2, device=keys.device)
    zero = torch.zeros_like(block)
    low, high = keys[:, 0, None], keys[:, 1, None]
    words = philox((low, high), (block, zero, zero, steps[:, None, None]))
    # [steps, M, groups, 2, STREAMS]: in each group of counters words 0 and 2 give radii, words 1 and 3 angles.
    uniform = [((word >> 8).float() + 0.5) / (1 << 24) for word in words]
    a, b = (
        torch.stack([v.unflatten(-1, (-1, STREAMS)) for v in pair], -2).flatten(-3)
        for pair in (uniform[0::2], uniform[1::2])
    )
    radius, angle = (-2 * a.log()).sqrt(), b * (2 * math.pi)
    return torch.cat([radius * angle.cos(), radius * angle.sin()], -1)[..., :count]


def multipliers(dropout: Tensor, layer: int, rows: int, width: int) -> Tensor:
    """Factors of a hidden layer's units, [rows, width]: 0 where dropped, else 1 / (1 − p).

    Args:
        dropout: int64 [5]: the key's two words, step, pass, and p in units of 1 / LEVELS.
        layer: number of the hidden layer.
    """
    units = rows * width
    groups = _rounded(units, 8 * STREAMS) // (8 * STREAMS)
    low, high, step, part, rate = dropout.unbind(0)
    block = torch.arange(groups * STREAMS, device=dropout.device)
    words = philox((low, high), (block, torch.full_like(block, layer), part, step))
    both = torch.stack([torch.stack([word & 0xFFFF, word >> 16], 0) for word in words], 0)  # [4, 2, blocks]
    bits = both.view(8, groups, STREAMS).transpose(0, 1).reshape(-1)[:units].view(rows, width)
    return (bits >= rate) * (LEVELS / (LEVELS - rate))


def _rounded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple
