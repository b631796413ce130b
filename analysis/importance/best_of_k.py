"""What a search budget buys: the expected best of k configurations drawn at random, with a band.

Source: Lucic et al. 2018 ("Are GANs created equal?", figures of the best FID against the budget); the question is
Dodge et al. 2019 ("Show your work"), whose plug-in estimate is biased where k is near the number of runs; the unbiased
estimate, of draws without replacement, is Tang et al. 2020 ("Showing your work doesn't always work").
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from analysis import rows, states
from analysis.rows import Rows, once
from analysis.vocabulary import Floats, Measure

BAND = (0.05, 0.95)
"""Quantiles of the best of k that the band shows: how lucky a search of k runs is."""

EVERY, SOME = 1_000, 200
"""Numbers of runs of which a curve has all; of more it has about so many."""

_ROUNDING = 1e-8
"""Rounding error of a probability."""


@dataclass(frozen=True)
class BudgetCurve:
    """The best of k runs.

    Attributes:
        runs: k, [K] ascending from 1.
        seconds: device-seconds that k runs take on average, [K].
        expected: mean of the best, [K].
        low, high: BAND's quantiles of the best, [K]; low is the lower number, whichever is better.
    """

    runs: Floats
    seconds: Floats
    expected: Floats
    low: Floats
    high: Floats


def best_of(values: Floats, runs: npt.ArrayLike, better: int) -> tuple[Floats, Floats, Floats]:
    """Mean and BAND's quantiles of the best of k draws without replacement from values [n], for each k of `runs` [K], 1 <= k <= n.

    With v_(1) <= … <= v_(n) from worst to best, P(best <= v_(i)) = i / n · (i − 1) / (n − 1) · … · (i − k + 1) / (n − k + 1).

    Returns:
        mean, low and high, each [K]; low <= high in the values' own order.

    Raises:
        ValueError: no value, one that is not finite, or a k outside [1, n].
    """
    numbers = np.asarray(runs, int)
    if (
        not np.isfinite(values).all()
        or not numbers.size
        or not 1 <= numbers.min() <= numbers.max() <= len(values)
    ):
        raise ValueError(
            f"best_of needs finite values and numbers of runs in [1, their number], got {len(values)} values and {numbers.tolist()}"
        )
    ordered, n = np.sort(better * values), len(values)
    logs = gammaln(np.arange(n + 1) + 1.0)  # of factorials
    mean, low, high = np.empty((3, len(numbers)))
    for place, k in enumerate(numbers):
        # Below this one the probability is nothing beside 1: (i / n)^k < e^−40.
        first = max(k, int(n * math.exp(-40 / k)))
        i = np.arange(first, n + 1)
        reached = np.exp(logs[i] - logs[i - k] - (logs[n] - logs[n - k]))
        reached[-1] = 1.0
        mean[place] = np.diff(reached, prepend=0.0) @ ordered[first - 1 :]
        low[place], high[place] = (
            ordered[first - 1 + np.searchsorted(reached, q * (1 - _ROUNDING))] for q in BAND
        )
    ends = sorted((better * low, better * high), key=lambda end: float(end.sum()))
    return better * mean, ends[0], ends[1]


def numbers_of_runs(most: int, named: Iterable[int] = ()) -> npt.NDArray[np.intp]:
    """Numbers of runs that a curve has, ascending: all up to `most`, of more than EVERY about SOME, evenly by their logarithm, and those named."""
    every = np.arange(1, most + 1) if most <= EVERY else np.round(np.geomspace(1, most, SOME)).astype(int)
    return np.union1d(every, [k for k in named if k <= most]).astype(np.intp)


def budget_curve(
    study: Rows, algorithm: str, lam: float, measure: Measure, named: Iterable[int] = ()
) -> BudgetCurve | None:
    """The curve of one algorithm at one λ, up to as many runs as there are (`numbers_of_runs`); None where none has a finite value.

    A DIVERGED run, of a system that has the metric, counts as the worst value of any algorithm at this λ, and with the
    seconds it took; so does an infinite value.
    """
    own = rows.results(study.group(algorithm, lam))
    values = states.ranked(own, measure, study.having(measure.column))
    if not np.isfinite(values).any():
        return None
    values = values[~np.isnan(values)]
    everyone = measure.better * _values_at(study, lam, measure)
    values[np.isinf(values)] = measure.better * everyone[np.isfinite(everyone)].min()
    numbers = numbers_of_runs(len(values), named)
    k = numbers.astype(float)
    return BudgetCurve(k, k * float(own["train_seconds"].mean()), *best_of(values, numbers, measure.better))


@once
def _values_at(study: Rows, lam: float, measure: Measure) -> Floats:
    """The measure of every run at one λ."""
    return states.values(study.runs[study.runs["lam"] == lam], measure)
