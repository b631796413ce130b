"""How the metrics move with λ: trends within a configuration, ranges as good as the best, and Pareto fronts.

Pure functions on a table [k, L]: one row per configuration, one column per λ (ascending). Seeds are nested in
configurations: an entry is the median over the configuration's seeds, in which a DIVERGED run and an infinite value are
worse than any other (`states.ranked`). NaN where a configuration has no result at a λ. Of a study with one configuration
a row is a seed (`rows.unit`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import states
from analysis.rows import Rows, once
from analysis.statistics import estimates, resampling
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import mean_interval
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats, Measure

TOLERANCE = 0.05
"""A λ is as good as the best one if the metric's median is within this part of the best median."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GoodRange:
    """The λ around the best one whose medians are within TOLERANCE of its median.

    Attributes:
        best: λ of the best median.
        value: that median.
        low, high: the range's ends; `low` may be 0.
        width: decades from its smallest to its largest positive λ, with a bootstrap interval over configurations.
    """

    best: float
    value: float
    low: float
    high: float
    width: Interval


@once
def by_lambda(study: Rows, algorithm: str, measure: Measure) -> pd.DataFrame:
    """The table of one algorithm and measure, natural scale: index `study.unit`, columns λ ascending."""
    own = study.runs[study.runs["algorithm"] == algorithm]
    values = pd.Series(states.ranked(own, measure, study.having(measure.column)), own.index).dropna()
    keys = own.loc[values.index]
    table = values.groupby([keys[study.unit], keys["lam"]]).median().unstack("lam")
    return table.reindex(columns=study.lambdas)


def trends(table: Floats) -> Floats:
    """Kendall's τ-b between λ and the metric within each configuration: [k] in [−1, 1] from [k, L].

    τ takes order alone: λ = 0 needs no place on a logarithmic axis, and a DIVERGED entry is the worst. NaN where a
    configuration has fewer than three entries; 0 where all of its entries are equal.
    """
    up, down, pairs = np.zeros((3, len(table)))
    for first, second in combinations(range(table.shape[1]), 2):
        before, after = table[:, first], table[:, second]
        up += after > before
        down += after < before
        pairs += ~np.isnan(before) & ~np.isnan(after)
    found = np.zeros(len(table))
    varied = up + down > 0
    found[varied] = (up - down)[varied] / np.sqrt(pairs[varied]) / np.sqrt((up + down)[varied])
    return np.where(np.sum(~np.isnan(table), axis=1) >= 3, np.clip(found, -1, 1), np.nan)


def mean_trend(taus: Floats) -> Interval:
    """Mean of configurations' trends [k], NaN left out, with Student's interval."""
    return mean_interval(taus[~np.isnan(taus)])


def good_range(table: Floats, lambdas: Floats, better: int, rng: Generator) -> GoodRange:
    """Where the median over configurations is within TOLERANCE of the best λ's.

    Args:
        table: [k, L], natural scale, values >= 0.
        lambdas: [L], ascending.
        better: +1 where larger is better, −1 where smaller is.
        rng: source of the resamples.

    Raises:
        ValueError: no λ has a finite median.
    """
    medians = medians_of(table)
    if not np.isfinite(medians).any():
        raise ValueError("the median must be finite at one λ at least, got none; too many runs DIVERGED")
    first, last = _around_best(medians[None], better)
    width = _decades(first, last, lambdas)
    at_lambda = [resampling.medians(column) for column in table.T]
    found = [
        _decades(*_around_best(np.column_stack([of_drawn(drawn) for of_drawn in at_lambda]), better), lambdas)
        for drawn in resampling.draws(len(table), rng)
    ]
    low, high = resampling.percentiles(np.concatenate(found)) if len(table) > 1 else (np.nan, np.nan)
    best = int(np.nanargmax(better * medians))
    return GoodRange(
        float(lambdas[best]), float(medians[best]), float(lambdas[first[0]]), float(lambdas[last[0]]),
        Interval(float(width[0]), float(low), float(high)),
    )  # fmt: skip


def pareto(cost: Floats, gain: Floats) -> Mask:
    """Which points (cost [n], smaller is better; gain [n], larger is better) no other point dominates.

    A point is dominated by one that is no worse in both and better in one. NaN is dominated.
    """
    no_worse = (cost[None] <= cost[:, None]) & (gain[None] >= gain[:, None])
    better = (cost[None] < cost[:, None]) | (gain[None] > gain[:, None])
    return ~(no_worse & better).any(axis=1) & np.isfinite(cost) & np.isfinite(gain)


def medians_of(table: Floats) -> Floats:
    """Median over configurations of what is there: [..., L] from [..., k, L]; NaN where nothing is."""
    if not np.isnan(table).any():
        return np.asarray(np.median(table, axis=-2))
    return np.asarray(estimates.median_of_present(np.moveaxis(table, -2, -1)))


def _around_best(medians: Floats, better: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and last place of the unbroken range about the best of each row [b, L]; of no width where all DIVERGED."""
    gain = np.where(np.isnan(medians), -np.inf, better * medians)
    best = gain.argmax(axis=1)
    top = np.take_along_axis(gain, best[:, None], axis=1)
    good = (gain >= top - TOLERANCE * np.abs(top)) & np.isfinite(gain)
    place = np.arange(medians.shape[1])
    bad_before = np.where(~good & (place < best[:, None]), place, -1).max(axis=1)
    bad_after = np.where(~good & (place > best[:, None]), place, len(place)).min(axis=1)
    return bad_before + 1, bad_after - 1


def _decades(first: npt.NDArray[np.intp], last: npt.NDArray[np.intp], lambdas: Floats) -> Floats:
    """Decades between the smallest positive and the largest λ of each range; 0 for a range of λ = 0 alone."""
    positive = np.log10(np.where(lambdas > 0, lambdas, lambdas[lambdas > 0].min(initial=np.inf)))
    return np.asarray(positive[last] - positive[first])
