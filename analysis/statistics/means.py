"""Systems with densities: their bound, log-likelihood, reconstruction and KL(q(z) ‖ p(z))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis import states
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import mean_interval
from analysis.vocabulary import KL_POSTERIOR, Measure

ELBO = Measure("elbo", "ELBO", +1, unit="nats")
LOG_LIKELIHOOD = Measure("log_likelihood", "log-likelihood", +1, smallest=0.1, unit="nats")
RECONSTRUCTION = Measure("reconstruction", "−E log p(x|z~)", -1)
KL_Z = Measure("kl_z", "KL(q(z) ‖ p(z))", -1)

ELBO_ERROR = Measure("elbo_error", "Monte-Carlo error of ELBO", -1)
BITS = Measure("bits_per_dim", "bits per dimension", -1)
RMSE = Measure("rmse", "RMSE in levels", -1)
ACCURACY = Measure("accuracy", "accuracy", +1, smallest=0.01, best=1.0, worst=0.0)

MEASURES = (KL_POSTERIOR, LOG_LIKELIHOOD, ELBO, ELBO_ERROR, RECONSTRUCTION, KL_Z, BITS, RMSE)
"""In reading order; in nats but for the last two."""


@dataclass(frozen=True)
class Density:
    """One measure of one algorithm at one λ.

    Attributes:
        runs: COMPLETED runs that have it, finite or infinite.
        mean: with Student's interval over units; infinite and without one where a run is.
        std: over runs; NaN where one is infinite.
        low, high: the smallest and the largest run.
    """

    runs: int
    mean: Interval
    std: float
    low: float
    high: float


def density(study: Rows, algorithm: str, lam: float, measure: Measure) -> Density | None:
    """The measure over the COMPLETED runs; None where none has it.

    The unit of the interval is the configuration, of a study with one configuration the seed.
    """
    if algorithm not in study.having(measure.column):
        return None
    own = study.group(algorithm, lam)
    values = states.values(own, measure)
    there = ~np.isnan(values)
    if not there.any():
        return None
    values = values[there]
    mean = mean_interval(estimates.cluster_means(values, own.loc[there, study.unit].to_numpy()))
    return Density(len(values), mean, estimates.mean_and_std(values)[1], values.min(), values.max())
