"""Coverage of the report's intervals, simulated on data whose truth is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.comparison.rankings import mean_ranks
from analysis.comparison.trends import good_range
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import clustered_median, clustered_share, mean_interval, median_interval
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats

UNITS = (3, 5, 8, 12, 24, 48, 96, 576)
SEEDS = 3

Draw = Callable[[Generator, tuple[int, ...]], Floats]
"""Independent values of a shape."""


@dataclass(frozen=True)
class Population:
    """Independent values: how they are drawn, and the mean and median of all of them."""

    draw: Draw
    mean: float = 0.0
    median: float = 0.0


def two_optima(rng: Generator, size: tuple[int, ...]) -> Floats:
    return np.where(rng.random(size) < 0.8, 4.5, 2.0) + 0.1 * rng.normal(size=size)


POPULATIONS = {
    "normal": Population(lambda rng, size: rng.normal(size=size)),
    "t(2)": Population(lambda rng, size: rng.standard_t(2, size=size)),
    "log-normal": Population(lambda rng, size: rng.lognormal(size=size), float(np.exp(0.5)), 1.0),
    # 4.5 of four in five, 2 of the others: the median is the upper ones' 37.5 % point.
    "two optima, 80 : 20": Population(two_optima, 4.0, 4.5 + 0.1 * float(stats.norm.ppf(0.375))),
}

HELD = ("normal", "t(2)")
"""Populations of which COVERAGE is asked."""


def coverage(
    repetitions: int,
    truth: float,
    interval: Callable[[Generator, int], Interval],
    units: Sequence[int],
    *name: object,
) -> list[float]:
    """Share of intervals that cover the truth for each number of units, [units]; NaN where there is no interval."""
    shares = []
    for n in units:
        rng = estimates.generator("coverage", *name, n)
        found = [interval(rng, n) for _ in range(repetitions)]
        bounded = not any(np.isnan(one.low) for one in found)
        shares.append(
            float(np.mean([one.low <= truth <= one.high for one in found])) if bounded else float("nan")
        )
    return shares


def location_coverage(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Coverage of the plain intervals: index (interval, data), columns units."""

    def of_values(interval: Callable[[Floats], Interval], draw: Draw) -> Callable[[Generator, int], Interval]:
        return lambda rng, n: interval(draw(rng, (n,)))

    table = {}
    for name, one in POPULATIONS.items():
        mean, median = of_values(mean_interval, one.draw), of_values(median_interval, one.draw)
        table["mean, Student’s t", name] = coverage(repetitions, one.mean, mean, units, "mean", name)
        table["median, order statistics", name] = coverage(
            repetitions, one.median, median, units, "median", name
        )
    return frame(table, units)


def clustered_coverage(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Coverage over configurations, medians of three seeds each: index (interval, data), columns units."""

    def median(part: float, draw: Draw) -> Callable[[Generator, int], Interval]:
        def interval(rng: Generator, n: int) -> Interval:
            values = np.sqrt(part) * draw(rng, (n, 1)) + np.sqrt(1 - part) * draw(rng, (n, SEEDS))
            return clustered_median(values.ravel(), np.repeat(np.arange(n), SEEDS))

        return interval

    def share(whole: float, seeds: int) -> Callable[[Generator, int], Interval]:
        def interval(rng: Generator, n: int) -> Interval:
            own = rng.beta(whole, 1 - whole, size=(n, 1))  # half of the variance is between configurations
            return clustered_share((rng.random((n, seeds)) < own).ravel(), np.repeat(np.arange(n), seeds))

        return interval

    table = {}
    for name, part in itertools.product(HELD, (0.2, 0.8)):
        data = f"{name}, {100 * part:g} % of the variance between configurations"
        table["median over seeds", data] = coverage(
            repetitions, 0.0, median(part, POPULATIONS[name].draw), units, data
        )
    for whole, seeds in itertools.product((0.1, 0.5), (1, SEEDS)):
        data = f"{100 * whole:g} %, seeds: {seeds}"
        table["share, Wilson’s", data] = coverage(
            repetitions, whole, share(whole, seeds), units, "share", data
        )
    return frame(table, units)


def range_coverage(repetitions: int, units: Sequence[int] = (12, 48)) -> pd.DataFrame:
    """Coverage of the decades of λ as good as the best: true medians 3, 4.3, 4.8, 4.7 and 4.3, so that the range is one decade."""
    medians, lambdas = np.array([3.0, 4.3, 4.8, 4.7, 4.3]), np.array([0.0, 0.01, 0.1, 1.0, 10.0])

    def width(rng: Generator, n: int) -> Interval:
        return good_range(medians + 0.3 * rng.normal(size=(n, len(medians))), lambdas, +1, rng).width

    return frame(
        {("decades of λ, bootstrap", "scores, normal"): coverage(repetitions, 1.0, width, units, "range")},
        units,
    )


RANKED = 5
"""Systems that are ranked."""


def ranking_coverage(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Coverage of mean ranks over configurations: index (interval, data), columns units."""

    def of(place: int, step: float, seeds: int, part: float) -> Callable[[Generator, int], Interval]:
        """Of the system at a place among some that lie a step apart, a part of the variance between configurations."""

        def interval(rng: Generator, n: int) -> Interval:
            noise = [
                np.sqrt(part) * rng.normal(size=(n, 1, RANKED)),
                np.sqrt(1 - part) * rng.normal(size=(n, seeds, RANKED)),
            ]
            gains = sum(noise) - step * np.arange(RANKED)
            return mean_ranks(gains.reshape(-1, RANKED), np.repeat(np.arange(n), seeds))[place]

        return interval

    table = {}
    for data, place, step, seeds, part in (
        ("normal, no system differs", 0, 0.0, 1, 0.0),
        ("normal, no system differs, three seeds", 0, 0.0, SEEDS, 0.5),
        ("normal, half a deviation apart, the first", 0, 0.5, 1, 0.0),
        ("normal, half a deviation apart, the middle one", 2, 0.5, 1, 0.0),
        ("normal, half a deviation apart, the first, three seeds", 0, 0.5, SEEDS, 0.5),
        ("normal, two deviations apart, the first", 0, 2.0, 1, 0.0),
        ("normal, two deviations apart, the middle one", 2, 2.0, 1, 0.0),
    ):
        away = step * (np.arange(RANKED) - place)
        truth = 0.5 + float(np.sum(stats.norm.cdf(-away / np.sqrt(2))))  # 1/2 is its own part of the sum
        table["mean rank of five, score", data] = coverage(
            repetitions, truth, of(place, step, seeds, part), units, "rank", data
        )
    return frame(table, units)


def frame(table: Mapping[tuple[str, str], Iterable[float]], columns: Sequence[int]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(table)
    return pd.DataFrame([list(line) for line in table.values()], index, list(columns))
