"""Structural similarity of images."""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 11
"""Pixels across the Gaussian window."""

SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
"""Constants of values in [0, 1]."""

CHUNK = 256
"""Images whose maps are held at once."""


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity of images [n, c, h, w] with values in [0, 1], in [−1, 1]: [n], float64.

    Source: Wang et al. 2004, eq. 13 and §III.C: Gaussian window 11 × 11 with σ = 1.5, K1 = 0.01, K2 = 0.03. The mean is over
    windows that lie within the image, and over channels.

    Raises:
        ValueError: an image is smaller than the window.
    """
    if min(a.shape[-2:]) < WINDOW:
        raise ValueError(f"images must have at least {WINDOW} × {WINDOW} pixels, got {list(a.shape[-2:])}")
    pairs = zip(a.split(CHUNK), b.split(CHUNK), strict=True)
    return torch.cat([_ssim(one.double(), other.double()) for one, other in pairs])


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    down, across = (_bands(size, a.device) for size in a.shape[-2:])

    def mean(values: Tensor) -> Tensor:
        return down @ values @ across.mT

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a.square()) - mean_a.square() + mean(b.square()) - mean_b.square()
    covariance = mean(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) / (mean_a.square() + mean_b.square() + C1)
    return (likeness * (2 * covariance + C2) / (variances + C2)).mean((-3, -2, -1))


def _bands(size: int, device: torch.device) -> Tensor:
    """Means under the window along one axis, as a matrix [size − 10, size]."""
    offsets = torch.arange(WINDOW, dtype=torch.float64, device=device) - WINDOW // 2
    weights = torch.exp(-offsets.square() / (2 * SIGMA**2))
    places = size - WINDOW + 1
    bands = torch.zeros(places, size, dtype=torch.float64, device=device)
    for place in range(places):
        bands[place, place : place + WINDOW] = weights / weights.sum()
    return bands
