"""Components of variance: how much configurations differ, how much seeds do within them, and what either does at one λ only.

A value of configuration c, seed s and λ l, or a paired difference of two systems, is taken as

    y = μ_l + C_c + S_s(c) + (Cλ)_cl + (Sλ)_s(c)l

with λ fixed and seeds nested in configurations, as random streams are. Components are estimated by analysis of variance:
mean squares are set equal to their expectations, with n₀ in place of the number of seeds where it differs between
configurations; a negative estimate is 0. At one λ the terms with λ are parts of C and S.

Intervals combine limits of single mean squares (modified large samples: Ting et al. 1990; Burdick & Graybill 1992). Limits
of one are those of normal data (χ²; F of a ratio) or of the jackknife of its logarithm over configurations (Arvesen &
Schmitz 1970), whichever are further: normal theory does not cover heavy tails however many configurations there are, the
jackknife does not cover few of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, fdtri, stdtrit

from analysis.statistics.estimates import Interval, numbered
from analysis.statistics.resampling import CONFIDENCE
from analysis.vocabulary import Floats

LEAST = 5
"""Configurations from which a component has an interval."""

RELIABLE = 0.8
"""Reliability that `Components.seeds_needed` is for."""

_TAILS = np.array([(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2])

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Components:
    """Components as standard deviations, on the values' scale; intervals have no bounds for fewer than LEAST configurations.

    Attributes:
        configurations, rows: k, and configurations × seeds.
        configuration: of C.
        seed: of S.
        configuration_lambda, seed_lambda: of Cλ and Sλ; None of one λ.
        ratio: n₀ σ²_C / σ²_S + 1, of the mean squares between and within configurations.
        seeds: n₀, the number of seeds where all configurations have as many.
    """

    configurations: int
    rows: int
    configuration: Interval
    seed: Interval
    configuration_lambda: Interval | None
    seed_lambda: Interval | None
    ratio: Interval
    seeds: float

    def reliability(self, seeds: int) -> Interval:
        """σ²_C / (σ²_C + σ²_S / seeds), the part of the variance of means over so many seeds that is configurations'."""
        point, low, high = (1 - 1 / (1 + seeds * signal) for signal in self._signals)
        return Interval(point, low, high)

    @property
    def seeds_needed(self) -> Interval:
        """Seeds that make the reliability RELIABLE (Spearman–Brown), rounded up; ∞ where configurations do not differ."""
        odds = RELIABLE / (1 - RELIABLE)
        point, low, high = (
            max(float(np.ceil(odds / s - 1e-9)), 1.0) if s else math.inf for s in self._signals
        )
        return Interval(point, high, low)  # the more configurations differ, the fewer seeds

    @property
    def _signals(self) -> tuple[float, float, float]:
        """σ²_C / σ²_S and its bounds."""
        ends = np.array([self.ratio.point, self.ratio.low, self.ratio.high])
        point, low, high = (np.maximum(ends - 1, 0.0) / self.seeds).tolist()
        return point, low, high


def components(values: Floats, units: npt.ArrayLike) -> Components | None:
    """The components of finite values of runs that every λ has.

    Args:
        values: [n, L], one row per configuration and seed, one column per λ.
        units: [n], each row's configuration.

    Returns:
        None where there are no two configurations, or none with two seeds.
    """
    index = numbered(units)
    seeds = np.bincount(index).astype(float)
    if len(seeds) < 2 or len(seeds) == len(values):
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers whose squares are none
        return _components(values, index, seeds)


def _components(values: Floats, index: npt.NDArray[np.intp], seeds: Floats) -> Components:
    """The components of values [n, L] of configurations [n] in 0 … k − 1 with so many seeds [k]."""
    count, (rows, lambdas) = len(seeds), values.shape
    squares = _mean_squares(values - values.mean(axis=0), index)
    whole, dropped = squares(np.ones((1, count)))[0], squares(1 - np.eye(count))
    n0 = (rows - float(np.sum(seeds**2)) / rows) / (count - 1)
    freedom = np.array([count - 1, rows - count, (count - 1) * (lambdas - 1), (rows - count) * (lambdas - 1)])
    bounded = count >= LEAST
    limits = np.array([
        _limits(square, dropped[:, i], chdtri(freedom[i], 1 - _TAILS) / freedom[i]) for i, square in enumerate(whole)
    ])  # fmt: skip

    def deviation(*weights: float) -> Interval:
        return _deviation(np.array(weights), whole, limits, bounded)

    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(whole[0] / whole[1])
        ends = _limits(ratio, dropped[:, 0] / dropped[:, 1], fdtri(*freedom[:2], _TAILS))
    own = Interval(ratio, *(ends if bounded else (math.nan, math.nan)))
    part = 1 / n0
    if lambdas == 1:
        return Components(
            count, rows, deviation(part, -part, 0, 0), deviation(0, 1, 0, 0), None, None, own, n0
        )
    each = 1 / lambdas
    return Components(
        count,
        rows,
        configuration=deviation(part * each, -part * each, -part * each, part * each),
        seed=deviation(0, each, 0, -each),
        configuration_lambda=deviation(0, 0, part, -part),
        seed_lambda=deviation(0, 0, 0, 1),
        ratio=own,
        seeds=n0,
    )


def _mean_squares(values: Floats, index: npt.NDArray[np.intp]) -> Callable[[Floats], Floats]:
    """The four mean squares of values [n, L] as a function of how often each configuration counts, [b, k] -> [b, 4].

    Between and within configurations, of the means over λ, and of what is beyond these; NaN where there is no λ beyond one.
    """
    lambdas = values.shape[1]
    seeds = np.bincount(index).astype(float)
    means = np.stack([np.bincount(index, column) for column in values.T], axis=1) / seeds[:, None]
    beyond = values - means[index]
    squares = {"all": beyond**2, "mean": lambdas * beyond.mean(axis=1, keepdims=True) ** 2}
    within = {name: np.bincount(index, own.sum(axis=1)) for name, own in squares.items()}

    def of_counts(counts: Floats) -> Floats:
        units, total = counts.sum(axis=1), counts @ seeds
        sums = counts @ (seeds[:, None] * means)
        between_all = counts @ (seeds * np.sum(means**2, axis=1)) - np.sum(sums**2, axis=1) / total
        between = (
            counts @ (seeds * lambdas * means.mean(axis=1) ** 2) - sums.sum(axis=1) ** 2 / total / lambdas
        )
        inside = counts @ within["mean"]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack([
                between / (units - 1), inside / (total - units),
                (between_all - between) / (units - 1) / (lambdas - 1), (counts @ within["all"] - inside) / (total - units) / (lambdas - 1),
            ], axis=1)  # fmt: skip

    return of_counts


def _limits(square: float, dropped: Floats, pivots: Floats) -> Bounds:
    """Limits of a mean square or a ratio of two: normal theory's or the jackknife's, whichever are further.

    Args:
        square: the estimate.
        dropped: the estimate without each configuration, [k].
        pivots: upper and lower quantile of estimate / truth for normal data.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(dropped)
        spread = float(np.sum((logarithms - logarithms.mean()) ** 2)) * (len(dropped) - 1) / len(dropped)
    half = float(stdtrit(len(dropped) - 1, _TAILS[0])) * math.sqrt(spread)
    half = math.inf if math.isnan(half) else half
    low, high = square / pivots
    return min(float(low), square * math.exp(-half)), max(float(high), square * np.exp(half))


def _deviation(weights: Floats, squares: Floats, limits: Floats, bounded: bool) -> Interval:
    """Root of a weighted sum of mean squares [q], at least 0, of limits [q, 2]; without bounds where it is to have none."""
    used = weights != 0
    weights, squares, limits = weights[used], squares[used], limits[used]
    point = float(weights @ squares)
    if not bounded:
        return Interval(math.sqrt(max(point, 0.0)), math.nan, math.nan)
    down, up = np.abs(weights) * np.where(weights > 0, [squares - limits[:, 0], limits[:, 1] - squares],
                                          [limits[:, 1] - squares, squares - limits[:, 0]])  # fmt: skip
    ends = (point, point - math.hypot(*down), point + math.hypot(*up))
    return Interval(*(math.sqrt(max(end, 0.0)) for end in ends))
