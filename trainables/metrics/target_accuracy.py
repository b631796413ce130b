"""Labels that come out right in the domain that was learned from without them."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import LARGER
from trainables.metrics.accuracy import accuracy
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


@final
class TargetAccuracy(Metric):
    """Share, in [0, 1], of the second domain's test points that the model's classifier gives their own label; without a classifier, of
    those whose translations into the first domain the data's posterior gives this label.

    Source: Ganin et al. 2016, §5.2. `accuracy` is of the first domain.
    """

    name, label, better = "target_accuracy", "accuracy on the target", LARGER
    smallest, best, worst = 0.01, 1.0, 0.0
    needs = ("alike", "classifier or decoder", "classifier or posterior")

    def __call__(self, at: Evaluated) -> Tensor:
        by_label = at.model.log_class(at.noise["z"]) if at.model.has("classifier") else at.log_posterior
        return accuracy(by_label, at.other_y)
