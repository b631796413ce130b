"""How far two samples reach into one another: precision, recall, density and coverage, by balls around their points."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

K_MANIFOLD = 3
"""Neighbour to which the balls of precision and recall reach, as Kynkäänniemi et al. 2019 have it."""

K_DENSITY = 5
"""Neighbour to which those of density and coverage reach, as Naeem et al. 2020 have it."""


class Neighbourhoods:
    """A generated sample beside a real one, each point with the ball that reaches to its k-th neighbour in its own sample.

    Sources: Kynkäänniemi et al. 2019, eq. 1 and 2; Naeem et al. 2020, eq. 3 and 4. A sample that is not finite has NaN.

    Args:
        real, generated: [n, d] and [m, d], with more than `K_DENSITY` points each.
    """

    def __init__(self, real: Tensor, generated: Tensor) -> None:
        self.real, self.generated = real.double(), generated.double()
        if min(len(real), len(generated)) <= K_DENSITY:
            raise ValueError(
                f"samples must have more than {K_DENSITY} points, got {len(real)} and {len(generated)}"
            )

    @cached_property
    def between(self) -> Tensor:
        """Squared distances [n, m] of real points to generated ones; NaN where a point is not finite."""
        return _squared(self.real, self.generated)

    @cached_property
    def of_real(self) -> Tensor:
        """Squared distances of real points to their nearest in their own sample, in order: [n, 5]."""
        return _nearest(self.real)

    @cached_property
    def of_generated(self) -> Tensor:
        """The same of generated points, [m, 5]."""
        return _nearest(self.generated)

    def precision(self) -> Tensor:
        """Share of generated points in the ball of some real one."""
        return self._finite((self.between <= self.of_real[:, K_MANIFOLD - 1, None]).any(0).double().mean())

    def recall(self) -> Tensor:
        """Share of real points in the ball of some generated one."""
        return self._finite((self.between <= self.of_generated[:, K_MANIFOLD - 1]).any(1).double().mean())

    def density(self) -> Tensor:
        """Balls of real points that hold a generated one, divided by the neighbours that each reaches to: 1 of equal samples."""
        inside = self.between <= self.of_real[:, K_DENSITY - 1, None]
        return self._finite(inside.double().sum(0).mean() / K_DENSITY)

    def coverage(self) -> Tensor:
        """Share of real points whose ball holds a generated one."""
        return self._finite((self.between <= self.of_real[:, K_DENSITY - 1, None]).any(1).double().mean())

    def _finite(self, value: Tensor) -> Tensor:
        return torch.where(self.between.isfinite().all(), value, torch.nan)


def _nearest(points: Tensor) -> Tensor:
    squared = _squared(points, points)
    return squared.fill_diagonal_(torch.inf).topk(K_DENSITY, largest=False, sorted=True).values


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """‖a_i − b_j‖² by a matrix product, whose rounding in float64 is far below the distance of neighbours."""
    products = torch.addmm(b.square().sum(1), a, b.mT, alpha=-2)
    return (products + a.square().sum(1, keepdim=True)).clamp_min(0)
