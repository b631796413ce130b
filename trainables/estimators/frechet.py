"""Fréchet distance between the Gaussians of two samples' moments."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """Mean [d] and covariance [d, d] of a sample, float64."""

    mean: Tensor
    covariance: Tensor


def moments(sample: Tensor) -> Moments:
    """Of points [n, d]; the covariance is the unbiased one."""
    points = sample.double()
    mean = points.mean(0)
    centred = points - mean
    return Moments(mean, centred.mT @ centred / (len(points) - 1))


def root(covariance: Tensor) -> Tensor:
    """The symmetric root of a covariance [d, d]."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp_min(0).sqrt() @ vectors.mT


def distance(a: Moments, b: Moments, root_of_a: Tensor | None = None) -> Tensor:
    """‖m_a − m_b‖² + tr C_a + tr C_b − 2 tr (C_a^½ C_b C_a^½)^½ ≥ 0, a scalar; of moments that are not finite NaN.

    Source: Dowson & Landau 1982; of features Heusel et al. 2017, eq. 6. The trace is that of (C_a C_b)^½, by the
    eigenvalues of a symmetric matrix, which are real to rounding where the covariances are singular.

    Args:
        root_of_a: `root` of C_a, where it is known already.
    """
    of_a = root(a.covariance) if root_of_a is None else root_of_a
    product = of_a @ b.covariance @ of_a
    finite = product.isfinite().all() & b.mean.isfinite().all()
    # Eigenvalues of what is not finite are refused, and one member is not to end its cohort.
    symmetric = torch.where(finite, (product + product.mT) / 2, torch.zeros_like(product))
    cross = torch.linalg.eigvalsh(symmetric).clamp_min(0).sqrt().sum()
    found = (a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace() - 2 * cross
    return torch.where(finite, found.clamp_min(0), torch.nan)
