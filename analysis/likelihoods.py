"""Systems with densities: their bound, log-likelihood, reconstruction and KL(q(z) ‖ p(z)), alone and in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import estimates, rows
from analysis.estimates import Interval
from analysis.measures import Floats, Measure
from analysis.rows import Rows

ELBO = Measure("elbo", "ELBO", +1)
LOG_LIKELIHOOD = Measure("log_likelihood", "log-likelihood", +1)
RECONSTRUCTION = Measure("reconstruction", "−E log p(x|z~)", -1)
KL_Z = Measure("kl_z", "KL(q(z) ‖ p(z))", -1)

MEASURES = (LOG_LIKELIHOOD, ELBO, RECONSTRUCTION, KL_Z)
"""In reading order; all in nats."""


@dataclass(frozen=True)
class Density:
    """One measure of one algorithm at one λ.

    Attributes:
        runs: COMPLETED runs that have it.
        mean: with its interval (BCa over units).
        std: over runs.
        low, high: the smallest and the largest run.
    """

    runs: int
    mean: Interval
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """first − second in one measure at one λ.

    Attributes:
        pairs: configurations and seeds that both have.
        mean: of the differences, with its interval (BCa over units).
        better: pairs in which the first one is better.
    """

    pairs: int
    mean: Interval
    better: int


def density(study: Rows, algorithm: str, lam: float, measure: Measure) -> Density | None:
    """The measure over the COMPLETED runs; None where none has it.

    The unit of the interval is the configuration, of a study with one configuration the seed.
    """
    own = rows.finite(study.group(algorithm, lam), measure.column)
    if own.empty:
        return None
    values = own[measure.column].to_numpy(float)
    name = ("density", algorithm, lam, measure.column)
    return Density(
        len(values), _mean(own, values, name), estimates.mean_and_std(values)[1], values.min(), values.max()
    )


def paired(study: Rows, first: str, second: str, lam: float, measure: Measure) -> Paired | None:
    """The measure of the same configuration and seed under both; None where no pair has it."""
    key = ["configuration_key", "seed", "data_version"]
    sides = [
        rows.finite(study.group(name, lam), measure.column).set_index(key)[measure.column]
        for name in (first, second)
    ]
    both = pd.concat(sides, axis=1, join="inner", keys=["first", "second"]).reset_index()
    if both.empty:
        return None
    differences = (both["first"] - both["second"]).to_numpy(float)
    name = ("density", first, second, lam, measure.column)
    return Paired(len(both), _mean(both, differences, name), int((measure.better * differences > 0).sum()))


def _mean(runs: pd.DataFrame, values: Floats, name: tuple[object, ...]) -> Interval:
    units = estimates.cluster_means(values, runs[rows.unit(runs)].to_numpy())
    return estimates.bca(units, np.mean, estimates.generator(*name))
