"""The inception score."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from result_metrics import LARGER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet


def inception_score(log_posterior: Tensor, taken: Tensor | None = None) -> Tensor:
    """exp(E_x KL(p(y|x) ‖ p(y))) from log p(y|x) [n, classes]: a scalar in [1, classes].

    p(y) is the mean of p(y|x) over the n points. A far-off point still has a confident posterior:
    read it beside `on_mode_share`.

    Args:
        taken: 1 of the points that it is of, 0 of the others, [n]; None for all. Of no point it is 1.
    """
    posterior = log_posterior.exp()
    log_marginal = _mean(posterior, taken).clamp_min(torch.finfo(posterior.dtype).tiny).log()
    return _mean((posterior * (log_posterior - log_marginal)).sum(-1), taken).exp()


def _mean(values: Tensor, taken: Tensor | None) -> Tensor:
    """Mean over the first dimension, of those that are taken."""
    if taken is None:
        return values.mean(0)
    return (taken @ values) / taken.sum().clamp_min(1)


@final
class InceptionScore(Metric):
    """exp(E KL(p(y|x~) ‖ p(y))) of generated points x~ under the data's own posterior, in [1, classes], without a unit.

    Source: Salimans et al. 2016; on the toy data Chen et al. (sVAE), §6.1, where the posterior is exact.

    An exact posterior sees the cell that a point is in, not its distance from a mean: on the toy data points on circles of radius 0.9
    about the means, none of them on a mode, score 5.00, points uniform in [−3, 3]², 15 % of them on one, 4.90, true samples 4.98.
    """

    name, label, better = "inception_score", "inception score", LARGER
    smallest, worst = 0.05, 1.0
    needs = ("classes", "posterior", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return inception_score(at.log_posterior)

    def best_on(self, data: DataSet) -> float:
        """As many as there are classes: each point sure of its own, all classes equally often."""
        return float(data.classes)
