"""The kernel distance between generated and test images in a space of features."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import SMALLER
from trainables.estimators.kernels import squared_mmd
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated


@final
class KernelDistance(Metric):
    """KID: MMD² between the features of the test points and those of as many generated ones, by the kernel (f·f~ / d + 1)³.

    Source: Bińkowski et al. 2018, §4. It has no bias at 2,048 images each, or at any number; of equal distributions it is 0
    but for its error, of either sign. Departure: one estimate from all images, not a mean over subsets of them, which has
    the same expectation and more variance. The features are those of the data's own recogniser (`FrechetDistance`).
    """

    name, label, better = "kernel_distance", "KID", SMALLER
    when, alone = END, True
    needs = ("featured", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return squared_mmd(at.data.test_features.to(at.features), at.features)
