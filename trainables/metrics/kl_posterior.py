"""Divergence of an encoder from a posterior whose evidence is known."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from result_metrics import SMALLER
from trainables.estimators.neighbours import entropy
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated
from trainables.models.densities import log_prior

CODES = 100_000
"""Codes that the ELBO of an explicit encoder is averaged over."""

IMPLICIT_CODES = 10_000
"""Codes that the ELBO of an implicit encoder is estimated from, as many as Mescheder et al. 2017 take."""

LEAST_CODES = 50
"""Codes that each of two modes needs for an entropy of its own."""


@final
class KlPosterior(Metric):
    """KL(q(z|x) ‖ p(z|x)) = log p(x) − E_q log p(x, z) − H(q) of the one observation x, in [0, ∞], in nats; log p(x) is exact.

    Source: Mescheder et al. 2017, §5.1. The ELBO, E_q log p(x, z) + H(q), of an explicit encoder is an average over codes,
    without bias and, on the Eight Schools, with a standard deviation below 0.01. The density of an implicit one is unknown,
    and its entropy is estimated: a standard deviation of 0.03, and a bias below that for one or two modes, Gaussian or as
    the posterior's. Codes that collapsed to points give +∞, codes on a curve a large number.
    """

    name, label, better = "kl_posterior", "KL(q ‖ posterior)", SMALLER
    smallest, best, unit = 0.05, 0.0, "nats"
    infinite = True
    alone = True
    needs = ("encoder", "explicit decoder", "single", "log_evidence")

    def __call__(self, at: Evaluated) -> Tensor:
        model, data = at.model, at.data
        assert data.log_evidence is not None
        explicit = model.form.networks["encoder"].explicit
        codes = CODES if explicit else IMPLICIT_CODES
        epsilon = at.draw(codes, model.form.dims(data)["epsilon"], name="epsilon")
        x = at.x[:1]
        if explicit:
            return data.log_evidence - model.elbo(x, epsilon).double().mean()
        z = model.encode(x.expand(codes, -1), epsilon).double()
        elbo = (model.log_p(x, z) + log_prior(z)).mean() + _entropy(*data.straightened(z))
        return data.log_evidence - elbo


def _entropy(straight: Tensor, log_det: Tensor) -> Tensor:
    """Entropy in nats of codes from straightened ones [n, d] and log|det| [n] of that map.

    For each sign of the first coordinate apart, as modes are: H(sign) + Σ P(sign) H(z | sign). The first neighbour has
    the least bias; its variance is small beside that of log p(x, z).
    """
    positive = straight[:, 0] > 0
    sides = [straight[positive], straight[~positive]]
    if min(map(len, sides)) < LEAST_CODES:
        sides = [straight]
    total: Tensor = -log_det.mean()
    for side in sides:
        share = len(side) / len(straight)
        total = total + share * (entropy(side, k=1) - math.log(share))
    return torch.as_tensor(total)
