"""Means of metrics over runs, such as the log-likelihood of a system with a density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis import states
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import mean_interval
from analysis.vocabulary import Measure

NATS = "nats"
"""Unit of likelihoods."""


def open_ended(study: Rows) -> list[Measure]:
    """Measured metrics without a worst value that are no ratios, such as likelihoods: those of a known best value first."""
    found = [
        m for m in study.vocabulary.values() if study.measured(m.column) and not m.ratio and m.worst is None
    ]
    return sorted(found, key=lambda m: m.best is None)


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
