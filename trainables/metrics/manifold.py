"""Fidelity and variety of generated images apart, by neighbourhoods in a space of features."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import LARGER
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated


@final
class Precision(Metric):
    """Share, in [0, 1], of generated images that lie among the test points: within the third neighbour of one of them.

    Source: Kynkäänniemi et al. 2019, eq. 2, k = 3; 2,048 images each (theirs 50,000): compare at one number alone.
    """

    name, label, better = "precision", "precision", LARGER
    best, worst = 1.0, 0.0
    when, alone = END, True
    needs = ("featured", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return at.neighbourhoods.precision()


@final
class Recall(Metric):
    """Share, in [0, 1], of test points that lie among the generated images: within the third neighbour of one of them.

    Source: Kynkäänniemi et al. 2019, eq. 2, k = 3; 2,048 images each. A few generated outliers, with their wide balls, can
    raise it: read it beside `coverage`.
    """

    name, label, better = "recall", "recall", LARGER
    best, worst = 1.0, 0.0
    when, alone = END, True
    needs = ("featured", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return at.neighbourhoods.recall()


@final
class Density(Metric):
    """Test points within whose fifth neighbour a generated image lies, divided by 5, mean over 2,048 of them, in [0, ∞).

    Source: Naeem et al. 2020, eq. 3, k = 5. 1 of equal distributions; above it where images crowd where test points do.
    """

    name, label, better = "density", "density", LARGER
    worst = 0.0
    when, alone = END, True
    needs = ("featured", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return at.neighbourhoods.density()


@final
class Coverage(Metric):
    """Share, in [0, 1], of the 2,048 test points within whose fifth neighbour a generated image lies.

    Source: Naeem et al. 2020, eq. 4, k = 5. Of equal distributions and samples 1 − 2^−5 = 0.97 on average.
    """

    name, label, better = "coverage", "coverage", LARGER
    best, worst = 1.0, 0.0
    when, alone = END, True
    needs = ("featured", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return at.neighbourhoods.coverage()
