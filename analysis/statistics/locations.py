"""Where independent values lie: the interval of a mean or a median and the test that belongs to it; nothing is drawn.

mean    Student's t. Right from two values up where they are normal, near it for heavy symmetric tails; too short
        where few values are skewed, as any interval of a mean is.
median  Order statistics, as the sign test has them: no shape is assumed, and ±∞ (DIVERGED) is a value like others.
        One interval by itself lies between two pairs of them (Hettmansperger & Sheather 1986), from five values up.
        Several rows to a cluster (seeds to a configuration): Woodruff's (1952), from five clusters up.
share   Wilson's, with as many rows as are worth theirs where clusters agree in themselves.
mean of values between two bounds, such as ranks
        Wilson's too, of as many trials as the values' spread leaves worth: within the bounds, and with a width where few
        values agree.

Coverage of every one is simulated by `make check-statistics`; the tables are in docs/statistics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import bdtr, stdtr

from analysis.statistics.estimates import (
    ROUNDING,
    Interval,
    constant,
    mean_and_std,
    numbered,
    sign_test_p,
    wilson,
)
from analysis.statistics.resampling import CONFIDENCE
from analysis.vocabulary import Floats

LEAST_OF_MEDIAN = 12
"""Units from which paired differences are judged by their median. The sign test of fewer cannot reject in a family of
ten; their mean can, by Student's t."""

LEAST_CLUSTERS = 5
"""Clusters from which a median over them has an interval."""

_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
LEAST = 5
"""Values from which a difference is judged: of three in two optima even Student's t is often false."""

_SHORTFALL = 0.0125
"""What the coverage of all five values, 93.75 %, lacks of 95 %; a median of fewer values has no interval."""


@dataclass(frozen=True)
class Location:
    """Where values lie against 0, by one statistic, its interval and its own test.

    Attributes:
        statistic: 'median' or 'mean'.
        interval: of it, at `confidence`; infinite where the values are too few for a bound, NaN for fewer than LEAST.
        confidence: of the interval.
        p: two-sided, of the sign test (median; zeros left out) or of Student's t (mean).
        above, equal, below: counts of values against 0.
    """

    statistic: str
    interval: Interval
    confidence: float
    p: float
    above: int
    equal: int
    below: int

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 0: its test rejects. A bound that ties at 0 pin there is then no part of it."""
        return self.p <= 1 - self.confidence

    @property
    def units(self) -> int:
        """Number of values."""
        return self.above + self.equal + self.below


def location(values: Floats, confidence: float = CONFIDENCE) -> Location:
    """Where values [n] lie: by their median from LEAST_OF_MEDIAN values up, by their mean where there are fewer.

    Few values without spread, or with an infinite one, have no t test, and are judged by their median too.
    """
    above, below = int(np.sum(values > 0)), int(np.sum(values < 0))
    counts = (above, len(values) - above - below, below)
    if len(values) < LEAST:
        point = mean_interval(values).point
        return Location("mean", Interval(point, math.nan, math.nan), confidence, math.nan, *counts)
    if len(values) < LEAST_OF_MEDIAN and np.isfinite(values).all() and not constant(values):
        mean, std = mean_and_std(values)
        p = 2 * float(stdtr(len(values) - 1, -abs(mean) / std * math.sqrt(len(values))))
        return Location("mean", mean_interval(values, confidence), confidence, p, *counts)
    return Location(
        "median", sign_interval(values, confidence), confidence, sign_test_p(above, below), *counts
    )


def mean_interval(values: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Mean of values [n] with Student's interval; no bounds for fewer than two values or an infinite one."""
    if not len(values):
        return Interval(math.nan, math.nan, math.nan)
    with np.errstate(invalid="ignore"):  # infinite values of both signs have no mean
        point, std = mean_and_std(values)
    if math.isnan(std):
        return Interval(point, math.nan, math.nan)
    if abs(point) <= ROUNDING * float(np.max(np.abs(values))):
        point = 0.0  # values that cancel out
    half = _student(confidence, len(values) - 1) * std / math.sqrt(len(values))
    return Interval(point, point - half, point + half)


def median_interval(values: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Median of values [n], ±∞ among them or not, with the interval between order statistics; no bounds for fewer than five."""
    if not len(values):
        return Interval(math.nan, math.nan, math.nan)
    ordered, n = np.sort(values), len(values)
    point = _middle(ordered)
    if _coverage(1, n) < confidence - _SHORTFALL:
        return Interval(point, math.nan, math.nan)
    depth = max(_depth(n, 1 - confidence), 1)
    share = 0.0
    if depth < n / 2 and _coverage(depth, n) > confidence:
        wide, narrow = _coverage(depth, n), _coverage(depth + 1, n)
        part = (wide - confidence) / (wide - narrow)
        share = (n - depth) * part / (depth + (n - 2 * depth) * part)
    low = _between(ordered[depth - 1], ordered[min(depth, n - 1)], share)
    high = _between(ordered[n - depth], ordered[max(n - depth - 1, 0)], share)
    return Interval(point, low, high)


def sign_interval(values: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Median of values [n >= 1] with the interval that the exact sign test does not reject; infinite where n is too small for one."""
    ordered, n = np.sort(values) + 0.0, len(values)  # no −0
    depth = _depth(n, 1 - confidence)
    if not depth:
        return Interval(_middle(ordered), -math.inf, math.inf)
    return Interval(_middle(ordered), float(ordered[depth - 1]), float(ordered[n - depth]))


def clustered_median(values: Floats, clusters: npt.ArrayLike) -> Interval:
    """Median of values [n] in clusters [n], with an interval over clusters; no bounds for fewer than LEAST_CLUSTERS.

    Infinite values, which stand for DIVERGED runs too, are in their place in the order. The interval is Woodruff's: that of the share of values below the median, by Student's t over clusters, read off the quantiles.
    """
    index = numbered(clusters)
    count = int(index.max(initial=-1)) + 1
    if count == len(values):
        return median_interval(values)
    point = _middle(np.sort(values))
    if count < LEAST_CLUSTERS:
        return Interval(point, math.nan, math.nan)
    below = (values < point) + 0.5 * (values == point) - 0.5
    half = _margin(below, index, count, 0.25)
    ends = [max(0.5 - half, 0.0), min(0.5 + half, 1.0)]
    if np.isfinite(values).all():
        low, high = np.quantile(values, ends)
    else:  # nothing lies between a number and infinity
        low, high = np.quantile(values, ends, method="inverted_cdf")
    return Interval(point, float(low), float(high))


def clustered_share(flags: npt.ArrayLike, clusters: npt.ArrayLike) -> Interval:
    """Share of true flags [n] in clusters [n], with Wilson's interval; of as many rows as the clusters' spread leaves worth."""
    values = np.asarray(flags, float)
    index = numbered(clusters)
    count = int(index.max(initial=-1)) + 1
    if count == len(values):
        return wilson(int(values.sum()), len(values))
    share, worth = float(np.mean(values)), float(count)
    if 0 < share < 1 and count > 1:
        variance = share * (1 - share)
        worth = _Z**2 * variance / _margin(values - share, index, count, variance) ** 2
    return _score(share, worth)


def bounded_mean(values: Floats, trials: int) -> Interval:
    """Mean of independent values [n] between 0 and 1 with Wilson's interval; no bounds for fewer than LEAST.

    It is of as many trials as leave Student's interval its width. Values that agree have none: the next may differ from
    them in one of its trials, as often as Wilson's interval of 0 in n allows.

    Args:
        values: shares, each of so many trials.
        trials: to a value, at least 1.
    """
    n, mean = len(values), float(np.mean(values))
    if n < LEAST:
        return Interval(mean, math.nan, math.nan)
    variance = mean * (1 - mean)
    half = _student(CONFIDENCE, n - 1) * float(np.std(values, ddof=1)) / math.sqrt(n)
    if constant(values):
        half = _Z**2 / (n + _Z**2) / trials
    return _score(mean, _Z**2 * variance / half**2 if variance else n * trials)


def _score(share: float, worth: float) -> Interval:
    """Wilson's interval of a share of so many trials."""
    middle = (share + _Z**2 / (2 * worth)) / (1 + _Z**2 / worth)
    half = _Z * math.sqrt(share * (1 - share) / worth + _Z**2 / (4 * worth**2)) / (1 + _Z**2 / worth)
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0))


def _margin(residuals: Floats, index: npt.NDArray[np.intp], count: int, variance: float) -> float:
    """Half the interval of a mean of rows: by Student's t over clusters, and no less than that of n independent rows."""
    sums = np.bincount(index, weights=residuals, minlength=count)
    spread = math.sqrt(count / (count - 1) * float(np.sum((sums - sums.mean()) ** 2))) / len(residuals)
    clustered = _student(CONFIDENCE, count - 1) * spread
    return max(clustered, _Z * math.sqrt(variance / len(residuals)))


def student(freedom: int) -> float:
    """Student's quantile of a two-sided 95 % interval."""
    return _student(CONFIDENCE, freedom)


@lru_cache
def _student(confidence: float, freedom: int) -> float:
    """Student's quantile of a two-sided interval."""
    return float(stats.t.ppf((1 + confidence) / 2, freedom))


@lru_cache
def _depth(n: int, alpha: float) -> int:
    """The k of the shortest interval from k-th smallest to k-th largest whose coverage is 1 − alpha or more; 0 for none."""
    return int(np.searchsorted(2 * bdtr(np.arange(n // 2), n, 0.5), alpha, side="right"))


@lru_cache
def _coverage(depth: int, n: int) -> float:
    """Coverage of the median by the interval from k-th smallest to k-th largest of n values."""
    return float(1 - 2 * bdtr(depth - 1, n, 0.5))


def _middle(ordered: Floats) -> float:
    low, high = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    return low if low == high else (low + high) / 2  # of −∞ and ∞ there is no middle: NaN


def _between(outer: float, inner: float, share: float) -> float:
    """Interpolated; the outer one where that or the other is infinite."""
    return float(outer + share * (inner - outer)) if np.isfinite([outer, inner]).all() else float(outer)
