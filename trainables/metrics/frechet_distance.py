"""The Fréchet distance between generated and test images in a space of features."""

from __future__ import annotations

import functools
from typing import final

import torch
from torch import Tensor

from result_metrics import SMALLER
from trainables.estimators import frechet
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


@final
class FrechetDistance(Metric):
    """‖m − m~‖² + tr(C + C~ − 2 (C C~)^½) of the moments of features of the test points and of as many generated ones, in
    [0, ∞), in squared units of a feature.

    Source: Heusel et al. 2017, eq. 6. The features are those of the data's own recogniser: values compare under the same
    recogniser alone, whose digest is kept with each run, and never with those of Inception. An estimate from 2,048 images
    each is too large: 21 of two halves of Fashion-MNIST's test images, where noise has 4,023 (`docs/performance.md`).
    `KernelDistance` has no such bias.
    """

    name, label, better = "frechet_distance", "Fréchet distance", SMALLER
    log, smallest = True, 1.1
    needs = ("featured", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        reference, root = _of_sample(at.data.test_features)
        on = at.features.device
        of_test = frechet.Moments(*(part.to(on) for part in reference))
        return frechet.distance(of_test, frechet.moments(at.features), root.to(on))


@functools.lru_cache(maxsize=4)
def _of_sample(features: Tensor) -> tuple[frechet.Moments, Tensor]:
    """Moments of features and the root of their covariance, once in a process."""
    with torch.inference_mode(False), torch.no_grad():
        found = frechet.moments(features)
        return found, frechet.root(found.covariance)
