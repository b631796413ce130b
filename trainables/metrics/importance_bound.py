"""The log-likelihood of test points, bounded by importance sampling from the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from result_metrics import LARGER
from trainables.datasets.base import DataSet
from trainables.estimators.annealing import importance_log_likelihood
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated
from trainables.models import densities
from trainables.models.batch import Model

CHUNK = 2048
"""Codes that are decoded at once."""


@final
class ImportanceBound(Metric):
    """log 1/K Σ_k p(x, z_k) / q(z_k|x) with z_k ~ q(z|x), mean over the data's `likelihood_points`, in nats, of a bound that
    rises to log p(x) with K, the data's `importance_codes`.

    Source: Burda et al. 2016 (IWAE), eq. 8. An encoder that is far off leaves a gap that annealing (`log_likelihood`) does not.
    """

    name, label, better = "iw_log_likelihood", "log-likelihood, importance-weighted", LARGER
    smallest, unit = 0.1, "nats"
    when, alone = END, True
    needs = (
        "explicit encoder",
        "explicit decoder",
        "not labels",
        "likelihood_points",
        "importance_codes",
        "not other",
    )

    def __call__(self, at: Evaluated) -> Tensor:
        data = at.data
        x = at.x[: data.likelihood_points]
        codes = data.importance_codes
        epsilon = at.draw(codes, len(x), at.model.form.dims(data)["epsilon"], name="importance")
        at_once = max(1, CHUNK // len(x))
        log_weights = torch.cat([_log_weights(at.model, x, chunk) for chunk in epsilon.split(at_once)])
        return importance_log_likelihood(log_weights).mean()

    def passes(self, data: DataSet) -> Mapping[str, float]:
        """Of all codes through the decoder."""
        return {"decoder": float(data.likelihood_points * data.importance_codes)}


def _log_weights(model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
    """log p(x, z) − log q(z|x) of a code from each ε: [k, n] from points [n, x_dim] and ε [k, n, …]."""
    net = model.form.networks["encoder"]
    given = model.given("encoder", x=x).expand(len(epsilon), -1, -1).flatten(0, 1)
    z, log_q = densities.sample_and_log_density(given, epsilon.flatten(0, 1), net)
    log_p = model.log_p(x.repeat(len(epsilon), 1), z) + densities.log_prior(z)
    return (log_p.double() - log_q.double()).unflatten(0, epsilon.shape[:2])
