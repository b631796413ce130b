"""Tunability: what a metric gains from the default by the best level of one hyper-parameter alone, and of all together.

Source: Probst, Boulesteix & Bischl 2019. Their default is the configuration that is best on average over data sets; here it
is the study's own or, where it declares none, the configuration that is best on average over its systems and λ, by mean rank.

The best of several levels is partly the luckiest: a gain is too large on average. Its interval holds for the true gain all
the same: of every level against the default it takes one at 1 − 0.05 / levels, and the largest bounds of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.rows import Rows, varying
from analysis.statistics.blocks import KEY, Sides
from analysis.statistics.estimates import Interval
from analysis.statistics.resampling import CONFIDENCE
from analysis.vocabulary import Floats

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gain:
    """Best minus default, at least 0; of values of which a larger one is better.

    Attributes:
        best: key of the best configuration, the default's own where none is better.
        gain: with an interval over seeds; without one where no configuration has two, or a side is infinite.
    """

    best: str
    gain: Interval


@dataclass(frozen=True)
class Tuned:
    """One system at one λ.

    Attributes:
        default: mean over seeds of the default's value; −∞ where a run DIVERGED.
        alone: hyper-parameter -> its gain; None where no run differs from the default in it alone.
        together: the gain of all hyper-parameters.
    """

    default: float
    alone: dict[str, Gain | None]
    together: Gain | None


def configurations(study: Rows) -> pd.DataFrame:
    """Hyper-parameters that take several values: index configuration_key, in order of the configurations' numbers."""
    names = varying(study.runs, study.manifest.hyper_parameters)
    table = study.runs.sort_values("configuration").drop_duplicates("configuration_key")
    return table.set_index("configuration_key")[names]


def declared_default(study: Rows) -> str | None:
    """Key of the configuration that the study declares its default; None where it has no run."""
    there = study.runs
    for name, value in study.manifest.default.items():
        there = there[there[name] == value]
    return str(there["configuration_key"].iloc[0]) if len(there) else None


def best_on_average(sides: Sides) -> str | None:
    """Key of the configuration of the best mean rank over systems and λ, of those with a result at all; None where there is none."""
    means = {(name, lam): _means(one) for name, own in sides.items() for lam, one in own.items()}
    table = pd.concat(means, axis=1).dropna() if means else pd.DataFrame()
    return str(table.rank().mean(axis=1).idxmax()) if len(table) else None


def tuned(results: pd.Series, grid: pd.DataFrame, default: str) -> Tuned | None:
    """The gains of one system at one λ; None where the default has no result.

    Args:
        results: a value per configuration and seed, indexed by `blocks.KEY`, larger better.
        grid: `configurations` of the study.
        default: a configuration's key.
    """
    means = _means(results)
    if default not in means.index:
        return None
    seeds = results.groupby(level=KEY[0]).size()
    differs = grid.loc[means.index].ne(grid.loc[default]).to_numpy(bool)
    spread, freedom = _within(results)

    def gain(others: Mask) -> Gain | None:
        if not others.any():
            return None
        errors = spread * np.sqrt(1 / seeds[default] + 1 / seeds[others].to_numpy(float))
        return _gain(float(means[default]), means[others], errors, freedom, default)

    single = differs.sum(axis=1) == 1
    alone = {name: gain(differs[:, i] & single) for i, name in enumerate(grid.columns)}
    return Tuned(float(means[default]), alone, gain(differs.any(axis=1)))


def _gain(default: float, others: pd.Series, errors: Floats, freedom: int, key: str) -> Gain:
    """The gain from the default's mean to the best of others', whose differences have these standard errors."""
    with np.errstate(invalid="ignore"):  # both DIVERGED
        differences = np.nan_to_num(
            others.to_numpy(float) - default, nan=0.0, posinf=math.inf, neginf=-math.inf
        )
    best = int(np.argmax(differences))
    point = max(float(differences[best]), 0.0)
    low = high = math.nan
    if freedom and math.isfinite(default):
        half = float(stats.t.ppf(1 - (1 - CONFIDENCE) / 2 / len(others), freedom)) * errors
        low, high = (max(float(np.max(differences + side * half)), 0.0) for side in (-1, 1))
    return Gain(str(others.index[best]) if point else key, Interval(point, low, high))


def _means(results: pd.Series) -> pd.Series:
    """Mean over seeds per configuration; −∞ where a run DIVERGED."""
    return results.groupby(level=KEY[0]).mean()


def _within(results: pd.Series) -> tuple[float, int]:
    """Standard deviation of seeds within configurations whose results are finite, and its degrees of freedom."""
    there = results[np.isfinite(results).groupby(level=KEY[0]).transform("all")]
    freedom = len(there) - there.index.get_level_values(KEY[0]).nunique()
    squares = float(((there - there.groupby(level=KEY[0]).transform("mean")) ** 2).sum())
    return (math.sqrt(squares / freedom) if freedom else math.nan), freedom
