"""Learning curves: the median and quartiles over runs at each evaluation, DIVERGED runs counted as worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import rows, states
from analysis.rows import Rows
from analysis.vocabulary import Floats, Measure


@dataclass(frozen=True)
class LearningCurve:
    """One algorithm's curve of one measure at one λ.

    Attributes:
        iterations: [t] evaluations, 1-based iterations.
        low, median, high: [t] quartiles and median over the results; ±inf where that rank is a DIVERGED run.
        runs: [t] runs counted at each evaluation, DIVERGED ones included.
    """

    iterations: Floats
    low: Floats
    median: Floats
    high: Floats
    runs: Floats


def learning_curve(study: Rows, algorithm: str, lam: float, measure: Measure) -> LearningCurve:
    """Median and quartiles against iteration.

    From its `diverged_at` on, a DIVERGED run counts as worse than every value, so the median of survivors cannot
    look better as runs drop out; a system that has not the metric has no curve. Quantiles are observed values (inverted distribution function), never averages
    with infinity. FAILED and STOPPED runs are left out; so is a run at an evaluation it has no value for.
    """
    group = rows.results(study.group(algorithm, lam))
    if algorithm not in study.having(measure.column):
        group = group.iloc[:0]
    iterations, values = study.evaluations(group, measure.column)
    if not len(iterations):
        return LearningCurve(*(np.empty(0) for _ in range(5)))
    values[np.isinf(values)] = states.worst(measure)
    diverged_at = pd.to_numeric(group["diverged_at"]).to_numpy(float)  # NaN where the run did not diverge
    values[iterations[None, :] >= diverged_at[:, None]] = states.worst(measure)
    counted = np.sum(~np.isnan(values), axis=0)
    seen = counted > 0
    low, median, high = (_observed_quantile(values[:, seen], counted[seen], q) for q in (0.25, 0.5, 0.75))
    return LearningCurve(iterations[seen], low, median, high, counted[seen].astype(float))


def _observed_quantile(values: Floats, counted: Floats, q: float) -> Floats:
    """The inverted-CDF quantile of each column of values [n, t], NaN being absent; counted [t] is how many are not."""
    ordered = np.sort(values, axis=0)  # NaN last, after inf
    index = np.maximum(np.ceil(q * counted).astype(int) - 1, 0)
    return np.asarray(np.take_along_axis(ordered, index[None, :], axis=0)[0])
