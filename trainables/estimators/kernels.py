"""Maximum mean discrepancy between two samples, by a polynomial kernel."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_mmd(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased estimate of MMD² between the densities of samples [n, d] and [m, d]: a float64 scalar, below 0 by its error.

    Source: Gretton et al. 2012, eq. 3; the kernel (x·y / d + 1)³ is that of Bińkowski et al. 2018 (KID), §4.

    Raises:
        ValueError: a sample has fewer than two points.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"samples must have at least 2 points, got {len(x)} and {len(y)}")
    x, y = x.double(), y.double()
    return _within(x) + _within(y) - 2 * _kernel(x, y).mean()


def _within(x: Tensor) -> Tensor:
    """Mean of the kernel over pairs of different points."""
    kernel = _kernel(x, x)
    return (kernel.sum() - kernel.diagonal().sum()) / (len(x) * (len(x) - 1))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return torch.addmm(torch.ones((), dtype=x.dtype, device=x.device), x, y.mT, alpha=1 / x.shape[-1]).pow(3)
