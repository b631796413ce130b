"""Coverage of the intervals of fragility, simulated on two systems whose results share what their configurations do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.calibration.interval_coverage import POPULATIONS, frame
from analysis.fragility.statistics import TAIL, Spread, fragility
from analysis.statistics import estimates
from analysis.statistics.blocks import Block
from analysis.statistics.estimates import Interval
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats

UNITS = (12, 24, 48, 96, 576)
DATA = ("normal", "t(2)", "two optima, 80 : 20")
SHIFT, NEAR = 0.3, 0.7
"""By how much the first system is better, and the share of its results that are not near the best."""

_LARGE = 400_000


def fragility_coverage(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Share of 95 % intervals that contain the truth: index (statistic, data), columns configurations."""
    table: dict[tuple[str, str], list[float]] = {}
    for data in DATA:
        everything = _draw(data, _LARGE, estimates.generator("fragility truth", data))
        near = float(np.quantile(everything[0], NEAR))
        truth = dict(_truth(*everything, near))
        for n in units:
            rng = estimates.generator("fragility coverage", data, n)
            held = dict.fromkeys(truth, 0.0)
            for _ in range(repetitions):
                for name, interval in _found(*_draw(data, n, rng), near, rng):
                    bounded = not np.isnan(interval.low)  # else the share is none, NaN
                    held[name] += (interval.low <= truth[name] <= interval.high) if bounded else np.nan
            for name, count in held.items():
                table.setdefault((name, data), []).append(count / repetitions)
    return frame(table, units)


def _draw(data: str, n: int, rng: Generator) -> tuple[Floats, Floats]:
    """Results of both systems, one per configuration, half of whose spread they share."""
    draw = POPULATIONS[data].draw
    shared = draw(rng, (n,))
    return SHIFT + shared + draw(rng, (n,)), shared + draw(rng, (n,))


def _found(first: Floats, second: Floats, near: float, rng: Generator) -> Iterator[tuple[str, Interval]]:
    block = Block({"a": first, "b": second}, np.arange(len(first)), 0)
    found = fragility(block, [("a", "b")], np.array([near]), near, -np.inf, rng)
    (contrast,) = found.contrasts
    yield from _named(found.own["a"], "of a system")
    yield from _named(contrast.difference, "of two, paired")
    yield "P(better), same configuration", contrast.same
    yield "P(better), at random", contrast.random


def _named(spread: Spread, whose: str) -> Iterator[tuple[str, Interval]]:
    for name, interval in (
        ("share near the best", spread.near),
        ("mean of the worst tenth", spread.tail),
        ("interquartile mean", spread.middle),
        ("interquartile range", spread.width),
    ):
        yield f"{name} {whose}", interval


def _truth(first: Floats, second: Floats, near: float) -> Iterator[tuple[str, float]]:
    """The same of so many results that they are the truth."""
    sides = [[np.mean(values >= near), *_shape(np.sort(values))] for values in (first, second)]
    names = ("share near the best", "mean of the worst tenth", "interquartile mean", "interquartile range")
    for name, a, b in zip(names, *sides, strict=True):
        yield f"{name} of a system", float(a)
        yield f"{name} of two, paired", float(a - b)
    yield "P(better), same configuration", float(np.mean(first > second))
    yield "P(better), at random", float(np.mean(first > np.roll(second, 1)))


def _shape(ordered: Floats) -> tuple[float, float, float]:
    n = len(ordered)
    low, high = np.quantile(ordered, [0.25, 0.75])
    return (
        float(ordered[: int(TAIL * n)].mean()),
        float(ordered[n // 4 : n - n // 4].mean()),
        float(high - low),
    )
