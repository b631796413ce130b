"""Coverage of the intervals of components of variance, simulated on data whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.calibration.interval_coverage import Draw, frame, two_optima
from analysis.importance.components import components
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats

UNITS = (5, 8, 12, 24, 48, 96)
SEEDS = 2
PARTS = (0.2, 0.6)
"""Parts of the variance that are between configurations."""

_LOG_NORMAL = math.sqrt((math.e - 1) * math.e)

STANDARD: Mapping[str, Draw] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "t(5)": lambda rng, size: rng.standard_t(5, size=size) / math.sqrt(5 / 3),
    "two optima": lambda rng, size: (two_optima(rng, size) - 4.0) / math.sqrt(0.16 * 2.5**2 + 0.1**2),
    "log-normal": lambda rng, size: (rng.lognormal(size=size) - math.exp(0.5)) / _LOG_NORMAL,
}
"""Populations of variance 1."""

Intervals = Mapping[str, tuple[Interval, float]]
"""Name -> an interval and what it is to cover."""


def component_coverage(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Coverage of components and reliability: index (interval, data), columns configurations."""
    table: dict[tuple[str, str], list[float]] = {}
    for name, draw in STANDARD.items():
        for part in PARTS:
            data = f"{name}, {100 * part:g} % of the variance between configurations"
            table |= covered(repetitions, units, data, _one_lambda(draw, part))
    table |= covered(
        repetitions,
        units,
        "normal, a third of three seeds missing",
        _one_lambda(STANDARD["normal"], 0.4, 3, 1 / 3),
    )
    table |= covered(repetitions, units, "normal, three λ", _three_lambdas((1.0, 1.0, 1.0)))
    table |= covered(repetitions, units, "normal, of three λ more spread", _three_lambdas((0.25, 1.0, 4.0)))
    return frame(table, units)


def covered(
    repetitions: int, units: Sequence[int], data: str, intervals: Callable[[Generator, int], Intervals]
) -> dict[tuple[str, str], list[float]]:
    """(interval, data) -> the share of intervals that cover, for each number of units."""
    found: dict[tuple[str, str], list[float]] = {}
    for n in units:
        rng = estimates.generator("components", data, n)
        covered = [
            {name: own.low <= truth <= own.high for name, (own, truth) in intervals(rng, n).items()}
            for _ in range(repetitions)
        ]
        for name in covered[0]:
            found.setdefault((name, data), []).append(float(np.mean([one[name] for one in covered])))
    return found


def _one_lambda(
    draw: Draw, part: float, seeds: int = SEEDS, missing: float = 0.0
) -> Callable[[Generator, int], Intervals]:
    """Seeds, some of them missing but for the first, in configurations that have this part of a variance of 1."""

    def intervals(rng: Generator, n: int) -> Intervals:
        values = math.sqrt(part) * draw(rng, (n, 1)) + math.sqrt(1 - part) * draw(rng, (n, seeds))
        there = rng.random((n, seeds)) >= missing
        there[:, 0] = True
        there[0] = True
        found = components(values[there][:, None], np.nonzero(there)[0])
        assert found is not None  # the first has all its seeds
        return {
            "sd of configurations": (found.configuration, math.sqrt(part)),
            "sd of seeds": (found.seed, math.sqrt(1 - part)),
            "reliability": (found.reliability(seeds), part / (part + (1 - part) / seeds)),
        }

    return intervals


def _three_lambdas(variances: tuple[float, float, float]) -> Callable[[Generator, int], Intervals]:
    """Configurations and seeds of variance 1, and as much again on average of either at single λ."""
    spread = np.sqrt(np.array(variances) / np.mean(variances))

    def intervals(rng: Generator, n: int) -> Intervals:
        values: Floats = rng.normal(size=(n, 1, 1)) + rng.normal(size=(n, SEEDS, 1))
        values = values + spread * (rng.normal(size=(n, 1, 3)) + rng.normal(size=(n, SEEDS, 3)))
        found = components(values.reshape(-1, 3), np.repeat(np.arange(n), SEEDS))
        assert found is not None  # there are two seeds
        assert found.configuration_lambda is not None  # and several λ
        assert found.seed_lambda is not None
        return {
            "sd of configurations": (found.configuration, 1.0),
            "sd of configurations × λ": (found.configuration_lambda, 1.0),
            "sd of seeds": (found.seed, 1.0),
            "sd of seeds × λ": (found.seed_lambda, 1.0),
        }

    return intervals
