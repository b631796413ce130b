"""Wasserstein distance between two samples, along lines."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from trainables.randomness.streams import stream

DIRECTIONS = 32
"""Lines that samples are projected on, the same ones always."""


def projected(points: Tensor) -> Tensor:
    """Points [n, d] along each of the lines, in order: float64 [32, n]."""
    return (_directions(points.shape[-1]).to(points.device) @ points.double().mT).sort(-1).values


def sliced_w2(x: Tensor, y: Tensor) -> Tensor:
    """Root of the mean over lines of W₂², the mean squared difference of the points in order, from two `projected` samples [32, n]: a scalar.

    Source: Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", eq. 4; Rabin et al. 2012.
    """
    return (x - y).square().mean().sqrt()


@functools.cache
def _directions(d: int) -> Tensor:
    """Unit vectors, float64 [32, d]."""
    drawn = stream("sliced", d).standard_normal((DIRECTIONS, d))
    with torch.inference_mode(False):
        return torch.from_numpy(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
