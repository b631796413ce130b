"""States of a run's metric, which every statistic takes from here.

* a finite value;
* INFINITE, such as the divergence of collapsed codes: worse than every finite value, whatever its sign;
* DIVERGED: as bad, of a system that has the metric;
* none: the system has nothing to measure there, or the data set has not: the run is in no denominator of that metric.

Only results count: rows that FAILED or were STOPPED are in no statistic of any metric.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.vocabulary import Floats, Measure
from result_schema import Outcome

Mask = npt.NDArray[np.bool_]


def systems_with(runs: pd.DataFrame, column: str) -> frozenset[str]:
    """Algorithms that have a metric: a run of theirs that COMPLETED or was STOPPED has a value, finite or not.

    An algorithm without such a run, since all have DIVERGED, has it too, unless others ended and none of them has it:
    total divergence must not pass for a system that has nothing to measure.

    Args:
        runs: every row of a study, of any outcome.
        column: the metric's.
    """
    if column not in runs:
        return frozenset()
    ended = runs[runs["outcome"].isin([Outcome.COMPLETED.value, Outcome.STOPPED.value])]
    having = frozenset(ended.loc[ended[column].notna(), "algorithm"].unique())
    silent = frozenset(runs["algorithm"].unique()) - frozenset(ended["algorithm"].unique())
    return having | silent if having or ended.empty else having


def worst(measure: Measure) -> float:
    """Infinity on the side that is worse than every finite value."""
    return -measure.better * float("inf")


def diverged(runs: pd.DataFrame) -> Mask:
    """Which rows DIVERGED, [n]."""
    return np.asarray(runs["outcome"] == Outcome.DIVERGED.value, dtype=bool)


def values(runs: pd.DataFrame, measure: Measure) -> Floats:
    """The metric of each row, [n]: COMPLETED ones have theirs, worst where it is infinite; NaN for all others."""
    completed = np.asarray(runs["outcome"] == Outcome.COMPLETED.value, dtype=bool)
    found = np.where(completed, runs[measure.column].to_numpy(float), np.nan)
    return np.where(np.isinf(found), worst(measure), found)


def ranked(runs: pd.DataFrame, measure: Measure, having: Collection[str]) -> Floats:
    """The metric of each row, [n], as `values` has it, and worst too where a run of a system in `having` DIVERGED.

    Args:
        runs: rows of any algorithm and outcome.
        measure: the metric.
        having: `systems_with` of it, over the whole study.
    """
    lost = diverged(runs) & runs["algorithm"].isin(having).to_numpy(bool)
    return np.where(lost, worst(measure), values(runs, measure))


def infinite(runs: pd.DataFrame, column: str) -> int:
    """Number of COMPLETED rows with an infinite value."""
    completed = runs["outcome"] == Outcome.COMPLETED.value
    return int(np.isinf(runs.loc[completed, column].to_numpy(float)).sum())


def missing(runs: pd.DataFrame, column: str) -> int:
    """Number of COMPLETED rows without a value, of systems that have the metric."""
    lacking = runs.loc[(runs["outcome"] == Outcome.COMPLETED.value) & runs[column].isna(), "algorithm"]
    return int(lacking.isin(systems_with(runs, column)).sum()) if len(lacking) else 0
