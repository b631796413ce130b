"""What moves a metric in a space that was searched: fANOVA, where the runs are no factorial.

Source: Hutter, Hoos & Leyton-Brown 2014, as Optuna computes it: a random forest is fitted to the runs, and its variance
shared out over the hyper-parameters and their interactions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis import states
from analysis.vocabulary import Floats, Measure

LEAST_RUNS = 4
"""Fewer say nothing."""

LOG_FROM = 100.0
"""A positive hyper-parameter whose values span more than this factor is taken on a logarithmic scale.

fANOVA averages over the space with equal weight: of a rate from 1e-5 to 1e-1 that is all but the largest decade
ignored. Optuna's does so whatever the distribution says, so the logarithm is taken here.
"""


def importances(
    runs: pd.DataFrame, hyper_parameters: Sequence[str], measure: Measure, seed: int = 0
) -> dict[str, float]:
    """Hyper-parameter -> the share of a metric's variance that it explains by itself, the largest first.

    What interactions and noise explain is in no share: they add up to less than 1. Of COMPLETED runs with a finite value: a DIVERGED run has no value that a forest could fit, and STOPPED and FAILED
    ones none of this budget. Nothing where there are fewer than LEAST_RUNS, or all agree.

    Args:
        runs: rows of one algorithm at one λ.
        hyper_parameters: their names; those with one value are left out.
        measure: the metric, on its own scale.
        seed: of the forest.
    """
    import optuna  # a second, of a report that may not need it
    from optuna.importance import FanovaImportanceEvaluator

    found = runs[np.isfinite(states.values(runs, measure))].sort_values("run_key")
    names = [name for name in hyper_parameters if found[name].nunique() > 1]
    values = measure.scaled(found[measure.column].to_numpy(float))
    if len(found) < LEAST_RUNS or not names or np.ptp(values) == 0:
        return {}
    columns = {name: _uniform(found[name]) for name in names}
    ranges: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.FloatDistribution(low, high) for name, (_, low, high) in columns.items()
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    for point, value in zip(zip(*(c for c, _, _ in columns.values()), strict=True), values, strict=True):
        params = dict(zip(names, map(float, point), strict=True))
        study.add_trial(optuna.create_trial(params=params, distributions=ranges, value=float(value)))
    # `optuna.importance.get_param_importances` would make the shares add up to 1, whatever they are of.
    shares = FanovaImportanceEvaluator(seed=seed).evaluate(study)
    return {name: float(share) for name, share in shares.items()}


def _uniform(column: pd.Series) -> tuple[Floats, float, float]:
    """Its values on a scale on which equal steps weigh the same, and the ends of that scale.

    Words, and levels of which each is taken more than once, are numbered, each with a step to itself.
    """
    if not pd.api.types.is_numeric_dtype(column) or column.nunique() <= len(column) / 2:
        codes, levels = pd.factorize(column, sort=True)
        return codes.astype(float), -0.5, len(levels) - 0.5
    values = column.to_numpy(float)
    if values.min() > 0 and values.max() / values.min() > LOG_FROM:
        values = np.log10(values)
    return values, float(values.min()), float(values.max())
