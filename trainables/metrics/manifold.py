"""Fidelity and variety of generated points apart, by neighbourhoods: of images in a space of features, else of the points themselves."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, final

from torch import Tensor

from result_metrics import LARGER
from trainables.estimators.neighbourhoods import Neighbourhoods
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated


class OfNeighbourhoods(Metric):
    """A number of the balls around test points and generated ones, as many of either; it depends on how many: compare at one number alone."""

    better = LARGER
    worst: ClassVar[float | None] = 0.0
    when, alone = END, True
    needs = ("featured or low_dimensional", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return self.of(at.neighbourhoods)

    @abstractmethod
    def of(self, neighbourhoods: Neighbourhoods) -> Tensor:
        """Its value, a scalar."""


@final
class Precision(OfNeighbourhoods):
    """Share, in [0, 1], of generated points that lie among the test points: within the third neighbour of one of them.

    Source: Kynkäänniemi et al. 2019, eq. 2, k = 3; 2,048 images each (theirs 50,000).
    """

    name, label, best = "precision", "precision", 1.0

    def of(self, neighbourhoods: Neighbourhoods) -> Tensor:
        return neighbourhoods.precision()


@final
class Recall(OfNeighbourhoods):
    """Share, in [0, 1], of test points that lie among the generated points: within the third neighbour of one of them.

    Source: Kynkäänniemi et al. 2019, eq. 2, k = 3; 2,048 images each. A few generated outliers, with their wide balls, can
    raise it: read it beside `coverage`.
    """

    name, label, best = "recall", "recall", 1.0

    def of(self, neighbourhoods: Neighbourhoods) -> Tensor:
        return neighbourhoods.recall()


@final
class Density(OfNeighbourhoods):
    """Test points within whose fifth neighbour a generated point lies, divided by 5, mean over generated points, in [0, ∞).

    Source: Naeem et al. 2020, eq. 3, k = 5. 1 of equal distributions; above it where generated points crowd where test points do.
    """

    name, label = "density", "density"

    def of(self, neighbourhoods: Neighbourhoods) -> Tensor:
        return neighbourhoods.density()


@final
class Coverage(OfNeighbourhoods):
    """Share, in [0, 1], of test points within whose fifth neighbour a generated point lies.

    Source: Naeem et al. 2020, eq. 4, k = 5. Of equal distributions and samples 1 − 2^−5 = 0.97 on average.
    """

    name, label, best = "coverage", "coverage", 1.0

    def of(self, neighbourhoods: Neighbourhoods) -> Tensor:
        return neighbourhoods.coverage()
