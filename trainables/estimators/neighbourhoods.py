"""How far two samples reach into one another: precision, recall, density, coverage and divergence, by balls around their points."""

from __future__ import annotations

import functools
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.estimators.neighbours import divergence_of_distances, entropy_of_distances

K_MANIFOLD = 3
"""Neighbour to which the balls of precision and recall reach, as Kynkäänniemi et al. 2019 have it."""

K_DENSITY = 5
"""Neighbour to which those of density and coverage reach, as Naeem et al. 2020 have it."""

K_DIVERGENCE = 3
"""Neighbour by whose distance divergence and entropy are estimated: a nearer one has more variance, a farther one more bias."""

ROWS = 64
"""Points whose distances to all of a sample are held at once: few enough for a processor's cache."""


class Reached(NamedTuple):
    """Two samples, by their distances to one another.

    Attributes:
        to_generated: squared distances of real points to the nearest generated ones, in order: [n, 5].
        recalled: real points in the ball of some generated one, bool [n].
        precise: generated points in the ball of some real one, bool [m].
        held: pairs of a real point's ball, of those of density, and a generated point in it: a count.
    """

    to_generated: Tensor
    recalled: Tensor
    precise: Tensor
    held: Tensor


class Neighbourhoods:
    """A generated sample beside a real one, each point with the ball that reaches to its k-th neighbour in its own sample.

    Sources: Kynkäänniemi et al. 2019, eq. 1 and 2; Naeem et al. 2020, eq. 3 and 4. A sample that is not finite has NaN.

    Args:
        real, generated: [n, d] and [m, d], with more than `K_DENSITY` points each.
        of_real: `nearest_of` the real points, where they are known already.
    """

    def __init__(self, real: Tensor, generated: Tensor, of_real: Tensor | None = None) -> None:
        self.real, self.generated = real.double(), generated.double()
        if min(len(real), len(generated)) <= K_DENSITY:
            raise ValueError(
                f"samples must have more than {K_DENSITY} points, got {len(real)} and {len(generated)}"
            )
        self.of_real = nearest_of(real) if of_real is None else of_real

    @cached_property
    def of_generated(self) -> Tensor:
        """`nearest_of` the generated points, [m, 5]."""
        return _nearest(self.generated)

    @cached_property
    def reached(self) -> Reached:
        """Real points and generated ones, by their distances, in one pass over these."""
        radii = self.of_generated[:, K_MANIFOLD - 1]
        nearest, recalled, precise, held = [], [], [], []
        for points, of_points in zip(self.real.split(ROWS), self.of_real.split(ROWS), strict=True):
            squared = _squared(points, self.generated)
            nearest.append(squared.topk(K_DENSITY, largest=False, sorted=True).values)
            recalled.append((squared <= radii).any(1))
            precise.append((squared <= of_points[:, K_MANIFOLD - 1, None]).any(0))
            held.append(torch.count_nonzero(squared <= of_points[:, K_DENSITY - 1, None]))
        return Reached(
            torch.cat(nearest), torch.cat(recalled), torch.stack(precise).any(0), torch.stack(held).sum()
        )

    def precision(self) -> Tensor:
        """Share of generated points in the ball of some real one."""
        return self._finite(self.reached.precise.double().mean())

    def recall(self) -> Tensor:
        """Share of real points in the ball of some generated one."""
        return self._finite(self.reached.recalled.double().mean())

    def density(self) -> Tensor:
        """Balls of real points that hold a generated one, divided by the neighbours that each reaches to: 1 of equal samples."""
        return self._finite(self.reached.held.double() / len(self.generated) / K_DENSITY)

    def coverage(self) -> Tensor:
        """Share of real points whose ball holds a generated one."""
        return self._finite(
            (self.reached.to_generated[:, 0] <= self.of_real[:, K_DENSITY - 1]).double().mean()
        )

    def divergence(self) -> Tensor:
        """KL(real‖generated) in nats, as `neighbours.kl_divergence` has it, by the neighbour `K_DIVERGENCE`."""
        rho = self.of_real[:, K_DIVERGENCE - 1].sqrt()
        nu = self.reached.to_generated[:, K_DIVERGENCE - 1].sqrt()
        return self._finite(divergence_of_distances(rho, nu, self.real.shape[1], len(self.generated)))

    def entropy(self) -> Tensor:
        """Entropy of the generated density in nats, as `neighbours.entropy` has it but not whitened, by the neighbour `K_DIVERGENCE`."""
        rho = self.of_generated[:, K_DIVERGENCE - 1].sqrt()
        return self._finite(entropy_of_distances(rho, self.real.shape[1], K_DIVERGENCE))

    def _finite(self, value: Tensor) -> Tensor:
        sound = self.real.isfinite().all() & self.generated.isfinite().all()
        return torch.where(sound, value, torch.nan)


@functools.lru_cache(maxsize=4)
def nearest_of(points: Tensor) -> Tensor:
    """Squared distances of points to their nearest in their own sample, in order: [n, 5] from [n, d]; once in a process."""
    with torch.inference_mode(False), torch.no_grad():
        return _nearest(points.double())


def _nearest(points: Tensor) -> Tensor:
    found = []
    for start, chunk in zip(range(0, len(points), ROWS), points.split(ROWS), strict=True):
        squared = _squared(chunk, points)
        squared.diagonal(start).fill_(torch.inf)
        found.append(squared.topk(K_DENSITY, largest=False, sorted=True).values)
    return torch.cat(found)


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """‖a_i − b_j‖² by a matrix product, whose rounding in float64 is far below the distance of neighbours."""
    products = torch.addmm(b.square().sum(1), a, b.mT, alpha=-2)
    return products.add_(a.square().sum(1, keepdim=True)).clamp_min_(0)
