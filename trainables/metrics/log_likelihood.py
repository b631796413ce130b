"""The log-likelihood of test points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from result_metrics import LARGER
from trainables.datasets.base import Annealing, DataSet
from trainables.estimators.annealing import SCOUTS, ais
from trainables.estimators.quadrature import by_quadrature
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated
from trainables.models.batch import Model

CHAINS, TEMPERATURES, LEAPFROG = 8, 400, 5
"""Chains, distributions and leapfrog steps of annealed importance sampling, where the data have no `annealing` of their own."""


@final
class LogLikelihood(Metric):
    """Mean of log p(x) = log ∫ p(x|z) p(z) dz over the data's `likelihood_points`, in nats.

    Of a two-dimensional code by quadrature, exact; else by annealed importance sampling, a stochastic lower bound.
    Source: Wu et al. 2017, §3.
    """

    name, label, better = "log_likelihood", "log-likelihood", LARGER
    smallest, unit = 0.1, "nats"
    when, alone = END, True
    needs = ("explicit decoder", "not labels", "likelihood_points", "not other")

    def __call__(self, at: Evaluated) -> Tensor:
        x = at.x[: at.data.likelihood_points].clone()
        if at.data.z_dim == 2:
            return by_quadrature(at.model, x).mean()
        seed = at.draw(1, name="annealing")
        return _annealed(at.model, x, seed).mean()

    def passes(self, data: DataSet) -> Mapping[str, float]:
        """Of annealing; by quadrature they are few."""
        asked = _asked(data)
        gradients = asked.temperatures * asked.leapfrog + 1
        codes = data.likelihood_points * (asked.chains + SCOUTS) * gradients
        return {} if data.z_dim == 2 else {"decoder": 3.0 * codes}


def _asked(data: DataSet) -> Annealing:
    return data.annealing or Annealing(CHAINS, TEMPERATURES, LEAPFROG)


def _annealed(model: Model, x: Tensor, seed: Tensor) -> Tensor:
    """log p(x) of each of the points, [n]; a number seeds the chains."""

    def log_likelihood(z: Tensor) -> Tensor:
        given = model.given("decoder", z=z.flatten(0, 1))
        return model.log_p_given(x, given.unflatten(0, z.shape[:2]))

    generator = torch.Generator(seed.device).manual_seed(int(abs(seed.item()) * 2**30))
    asked = _asked(model.data)
    found = ais(
        log_likelihood, len(x), model.data.z_dim, asked.chains, asked.temperatures, generator,
        leapfrog=asked.leapfrog, step=asked.step, rate=asked.rate,
    )  # fmt: skip
    return found.log_likelihood
