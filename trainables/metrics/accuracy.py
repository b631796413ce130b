"""Labels that come out right."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import LARGER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


def accuracy(log_posterior: Tensor, labels: Tensor) -> Tensor:
    """Share of points whose most probable label [n, classes] is their own, one-hot [n, classes]."""
    return (log_posterior.argmax(-1) == labels.argmax(-1)).double().mean()


@final
class Accuracy(Metric):
    """Share, in [0, 1], of test points that the model's classifier gives their own label; without a classifier, of points
    generated for a label that the data's posterior gives this label.

    Source: Kingma et al. 2014 (semi-supervised), §4.3, of the classifier.
    """

    name, label, better = "accuracy", "accuracy", LARGER
    smallest, best, worst = 0.01, 1.0, 0.0
    needs = ("labels", "posterior or classifier")

    def __call__(self, at: Evaluated) -> Tensor:
        assert at.y is not None
        by_label = at.model.log_class(at.x) if at.model.has("classifier") else at.log_posterior
        return accuracy(by_label, at.y)
