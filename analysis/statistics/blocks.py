"""Results of several systems on the same configurations and seeds, in which every divergence is worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import rows
from analysis.rows import Rows, once
from analysis.statistics import estimates
from analysis.vocabulary import Floats, Measure
from result_manifest import AT_LEAST, Target
from result_schema import Outcome

KEY = ["configuration_key", "seed", "data_version"]

Sides = dict[str, dict[float, pd.Series]]
"""Algorithm -> λ -> one number per result, indexed by KEY, of the systems that have the metric."""


@dataclass(frozen=True)
class Block:
    """The configurations and seeds of which every system has a result.

    Attributes:
        values: algorithm -> [n], in one order; a larger one is better.
        units: the configuration's number of each, [n] in 0 … k − 1.
        left_out: configurations and seeds of which a system has no result.
    """

    values: dict[str, Floats]
    units: npt.NDArray[np.intp]
    left_out: int

    @property
    def count(self) -> int:
        """Number of configurations, k."""
        return int(self.units.max()) + 1 if len(self.units) else 0


def aligned(given: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Some systems' results side by side, [results, systems], indexed by KEY; NaN where a system has none."""
    return pd.concat(dict(given), axis=1).sort_index()


def numbered(table: pd.DataFrame, unit: str = KEY[0]) -> npt.NDArray[np.intp]:
    """The number of each row's unit, [n] in 0 … k − 1: its configuration, or another column of KEY."""
    return estimates.numbered(table.index.get_level_values(unit))


def block(given: Mapping[str, pd.Series]) -> Block:
    """The block of some systems' results, algorithm -> one number per result, indexed by KEY."""
    if not given:
        return Block({}, np.empty(0, np.intp), 0)
    table = aligned(given)
    whole = table.dropna()
    units = numbered(whole)
    return Block({name: whole[name].to_numpy(float) for name in given}, units, len(table) - len(whole))


@once
def gains(study: Rows, measure: Measure) -> Sides:
    """A measure on its own scale, turned so that larger is better; −∞ of a DIVERGED run and of an infinite value.

    A COMPLETED run without a value has no result.
    """
    found = _results(study, [measure.column])
    values = found[measure.column].to_numpy(float)
    kept = np.isfinite(values) & ~found["diverged"].to_numpy(bool)
    gain = np.full(len(found), -np.inf)
    gain[kept] = measure.better * measure.scaled(values[kept])
    return _sides(study, found.assign(value=gain), [measure.column])


@once
def hits(study: Rows, target: Target) -> Sides:
    """1 of a run that meets every bound of a target, 0 of another and of a DIVERGED one."""
    columns = list(dict.fromkeys(bound.metric for bound in target))
    found = _results(study, columns)
    met = ~found["diverged"]
    for metric, side, value in target:
        met &= found[metric] >= value if side == AT_LEAST else found[metric] <= value
    return _sides(study, found.assign(value=met.astype(float)), columns)


def _results(study: Rows, columns: list[str]) -> pd.DataFrame:
    """Results of the systems that have all of these metrics."""
    systems = frozenset.intersection(*(study.having(column) for column in columns))
    found = rows.results(study.runs[study.runs["algorithm"].isin(systems)])
    found = found.reindex(columns=[*KEY, "algorithm", "lam", "outcome", *columns])
    return found.assign(diverged=found["outcome"] == Outcome.DIVERGED.value)


def _sides(study: Rows, found: pd.DataFrame, columns: list[str]) -> Sides:
    """Column `value` by system and λ, without the COMPLETED runs that lack a metric."""
    there = found["diverged"] | found[columns].notna().all(axis=1)
    sides: Sides = {}
    for (name, lam), own in found[there].groupby(["algorithm", "lam"]):
        sides.setdefault(str(name), {})[float(lam)] = own.set_index(KEY)["value"]
    return {name: sides[name] for name in study.algorithms if name in sides}
