"""Estimates with their intervals: pure functions on arrays, random draws only from the generator passed in.

All intervals are 95 %. Seeds are nested in configurations, so what is resampled is the configuration:
resampling single runs would take five seeds of one configuration for five independent facts.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.special import bdtr

from analysis.statistics.resampling import CONFIDENCE, Generator
from analysis.vocabulary import Floats

ROUNDING = 4 * float(np.finfo(float).eps)
"""Differences of this part of what is subtracted are none."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval; the bounds are NaN where the data cannot give one (fewer than two units)."""

    point: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether the interval exists and the value lies outside it."""
        return bool(value < self.low or value > self.high)


def generator(*name: object) -> Generator:
    """A generator of its own for a named estimate, so that adding an algorithm or λ moves no other interval."""
    return np.random.default_rng(zlib.crc32("|".join(map(str, name)).encode()))


def mean_and_std(values: Floats) -> tuple[float, float]:
    """Mean and sample standard deviation (n − 1) of values [n]; NaN where n is too small, or a value infinite."""
    if not len(values):
        return float("nan"), float("nan")
    if constant(values):
        return float(values[0]), 0.0 if len(values) > 1 else float("nan")
    mean = float(np.mean(values))
    if not np.isfinite(mean) or len(values) < 2:
        return mean, float("nan")
    scale = max(1.0, float(np.max(np.abs(values))) / 1e100)  # squares of larger values are no numbers
    return mean, scale * float(np.std(values / scale, ddof=1))


def constant(values: Floats) -> bool:
    """Whether finite values [n] agree but for rounding."""
    if not np.isfinite(values).all():
        return False
    return bool(np.ptp(values) <= ROUNDING * np.max(np.abs(values)))


def quartiles(values: Floats) -> tuple[float, float]:
    """First and third quartile of values [n], linearly interpolated; NaN for none."""
    if not len(values):
        return float("nan"), float("nan")
    # Where values are infinite, observed ones: nothing lies between a number and infinity.
    if not np.isfinite(values).all():
        low, high = np.quantile(values, [0.25, 0.75], method="inverted_cdf")
    else:
        low, high = np.quantile(values, [0.25, 0.75])
    return float(low), float(high)


def cluster_means(values: Floats, clusters: npt.ArrayLike | pd.Series) -> Floats:
    """Mean per cluster, [k] in order of the clusters' labels, of values [n] with labels [n]."""
    index = numbered(clusters)
    return np.bincount(index, weights=values) / np.bincount(index)


def numbered(labels: npt.ArrayLike | pd.Series | pd.Index) -> npt.NDArray[np.intp]:
    """The place of each label [n] in the order of the different ones, [n] in 0 … k − 1."""
    given = labels if isinstance(labels, pd.Series | pd.Index) else np.asarray(labels)
    return pd.factorize(given, sort=True)[0]


def wilson(count: int, total: int) -> Interval:
    """Share count/total with its Wilson (1927) score interval; all NaN for a total of none.

    Raises:
        ValueError: a count outside [0, total].
    """
    if not 0 <= count <= total:
        raise ValueError(f"count must be in [0, {total}], the total, got {count}; count within the same rows")
    if total == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    found = stats.binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(count / total, float(found.low), float(found.high))


def sign_test_p(wins: int, losses: int) -> float:
    """Two-sided exact p of the sign test; ties are left out by the caller. 1 where there is nothing but ties."""
    return min(1.0, 2 * float(bdtr(min(wins, losses), wins + losses, 0.5))) if wins + losses else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """p values of one family with Holm's (1979) correction, in their order; NaN stays and counts for nothing."""
    values = np.asarray(p, float)
    there = ~np.isnan(values)
    if there.any():
        family = values[there]
        order = np.argsort(family, kind="stable")
        steps = np.maximum.accumulate(family[order] * np.arange(len(family), 0, -1))
        family[order] = np.minimum(steps, 1.0)
        values[there] = family
    return values.tolist()


def median_of_present(values: Floats) -> Floats:
    """Median along the last axis of what is not NaN, vectorised (np.nanmedian loops in Python)."""
    if not np.isnan(values).any():
        return np.asarray(np.median(values, axis=-1))
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.sum(~np.isnan(ordered), axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, (count - 1) // 2, axis=-1)
    high = np.take_along_axis(ordered, count // 2, axis=-1)
    return np.asarray((low + high)[..., 0] / 2)
