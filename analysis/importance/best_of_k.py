"""What a search budget buys: the expected best of k configurations drawn at random, with a band.

Source: Lucic et al. 2018 ("Are GANs created equal?", figures of the best FID against the budget); the question is
Dodge et al. 2019 ("Show your work"), whose plug-in estimate is biased where k is near the number of runs; the unbiased
estimate, of draws without replacement, is Tang et al. 2020 ("Showing your work doesn't always work").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis import rows, states
from analysis.rows import Rows
from analysis.vocabulary import Floats, Measure

BAND = (0.05, 0.95)
"""Quantiles of the best of k that the band shows: how lucky a search of k runs is."""


@dataclass(frozen=True)
class BudgetCurve:
    """The best of k runs, k = 1 … K.

    Attributes:
        runs: k, [K].
        seconds: device-seconds that k runs take on average, [K].
        expected: mean of the best, [K].
        low, high: BAND's quantiles of the best, [K]; low is the lower number, whichever is better.
    """

    runs: Floats
    seconds: Floats
    expected: Floats
    low: Floats
    high: Floats


def best_of(values: Floats, most: int, better: int) -> tuple[Floats, Floats, Floats]:
    """Mean and BAND's quantiles of the best of k draws without replacement from values [n], k = 1 … most <= n.

    With v_(1) <= … <= v_(n) from worst to best, P(best <= v_(i)) = i / n · (i − 1) / (n − 1) · … · (i − k + 1) / (n − k + 1).

    Returns:
        mean, low and high, each [most]; low <= high in the values' own order.

    Raises:
        ValueError: no value, one that is not finite, or most outside [1, n].
    """
    if not np.isfinite(values).all() or not 1 <= most <= len(values):
        raise ValueError(
            f"best_of needs finite values and most in [1, their number], got {len(values)} values and most = {most}"
        )
    ordered = np.sort(better * values)
    drawn = np.arange(most)[:, None]
    reached = np.cumprod(
        np.maximum(np.arange(1, len(values) + 1) - drawn, 0) / (len(values) - drawn), axis=0
    )  # [most, n]
    mean = np.diff(reached, axis=1, prepend=0.0) @ ordered
    ends = [ordered[(reached < q).sum(axis=1)] for q in BAND]
    low, high = sorted((better * ends[0], better * ends[1]), key=lambda end: float(end.sum()))
    return better * mean, low, high


def budget_curve(study: Rows, algorithm: str, lam: float, measure: Measure) -> BudgetCurve | None:
    """The curve of one algorithm at one λ, up to as many runs as there are; None where none has a finite value.

    A DIVERGED run, of a system that has the metric, counts as the worst value of any algorithm at this λ, and with the
    seconds it took; so does an infinite value.
    """
    own = rows.results(study.group(algorithm, lam))
    values = states.ranked(own, measure, study.having(measure.column))
    if not np.isfinite(values).any():
        return None
    values = values[~np.isnan(values)]
    everyone = measure.better * states.values(study.runs[study.runs["lam"] == lam], measure)
    values[np.isinf(values)] = measure.better * everyone[np.isfinite(everyone)].min()
    mean, low, high = best_of(values, len(values), measure.better)
    k = np.arange(1, len(mean) + 1, dtype=float)
    return BudgetCurve(k, k * float(own["train_seconds"].mean()), mean, low, high)
