"""What a search budget buys: the expected best of k configurations drawn at random, with a band.

Source: Lucic et al. 2018 ("Are GANs created equal?", figures of the best FID against the budget); the closed form
is Dodge et al. 2019 ("Show your work"), eq. 1–5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis import rows
from analysis.measures import Floats, Measure
from analysis.rows import Rows
from result_schema import Outcome

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
    """Mean and BAND's quantiles of the best of k draws with replacement from values [n], k = 1 … most.

    With v_(1) <= … <= v_(n) from worst to best, P(best <= v_(i)) = (i / n)^k.

    Returns:
        mean, low and high, each [most]; low <= high in the values' own order.

    Raises:
        ValueError: no value, one that is not finite, or most < 1.
    """
    if not len(values) or not np.isfinite(values).all() or most < 1:
        raise ValueError(
            f"best_of needs finite values and most >= 1, got {len(values)} values and most = {most}"
        )
    ordered = np.sort(better * values)
    k = np.arange(1, most + 1)[:, None]
    reached = (np.arange(1, len(values) + 1) / len(values)) ** k  # [most, n]
    mean = np.diff(reached, axis=1, prepend=0.0) @ ordered
    ends = [ordered[(reached < q).sum(axis=1)] for q in BAND]
    low, high = sorted((better * ends[0], better * ends[1]), key=lambda end: float(end.sum()))
    return better * mean, low, high


def budget_curve(study: Rows, algorithm: str, lam: float, measure: Measure) -> BudgetCurve | None:
    """The curve of one algorithm at one λ, up to as many runs as there are; None where no run COMPLETED with a value.

    A DIVERGED run counts as the worst value of any algorithm at this λ, and with the seconds it took.
    """
    own = rows.results(study.group(algorithm, lam))
    everyone = rows.finite(study.runs[study.runs["lam"] == lam], measure.column)[measure.column].to_numpy(
        float
    )
    diverged = (own["outcome"] == Outcome.DIVERGED.value).to_numpy()
    values = own[measure.column].to_numpy(float).copy()
    if not len(everyone) or diverged.all():
        return None
    values[diverged] = everyone.min() if measure.better > 0 else everyone.max()
    kept = np.isfinite(values)
    if not kept.any():
        return None
    mean, low, high = best_of(values[kept], int(kept.sum()), measure.better)
    k = np.arange(1, len(mean) + 1, dtype=float)
    return BudgetCurve(k, k * float(own["train_seconds"].mean()), mean, low, high)
