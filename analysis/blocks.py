"""Results of several systems on the same configurations and seeds, in which every divergence is worst."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import rows
from analysis.measures import Floats, Measure
from analysis.rows import Rows
from result_schema import AT_LEAST, Outcome, Target

KEY = ["configuration_key", "seed", "data_version"]

Read = Callable[[Rows, str, float], pd.Series | None]
"""(study, algorithm, λ) -> one number per result, indexed by KEY; None where the system has none to give."""


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


def block(study: Rows, lams: Mapping[str, float], read: Read) -> Block:
    """The block of some systems, each at a λ of its own; a system that has none there is not among them."""
    given = {name: read(study, name, lam) for name, lam in lams.items()}
    sides = {name: values for name, values in given.items() if values is not None and len(values)}
    if not sides:
        return Block({}, np.empty(0, np.intp), 0)
    table = pd.concat(sides, axis=1).sort_index()
    whole = table.dropna()
    units = np.unique(whole.index.get_level_values(KEY[0]), return_inverse=True)[1]
    return Block({name: whole[name].to_numpy(float) for name in sides}, units, len(table) - len(whole))


def gains(measure: Measure) -> Read:
    """A measure on its own scale, turned so that larger is better; −∞ of a DIVERGED run and of an infinite value.

    A COMPLETED run without a value has no result. A system has none where runs COMPLETED and all lack a value.
    """

    def read(study: Rows, algorithm: str, lam: float) -> pd.Series | None:
        if not has(study, algorithm, measure.column):
            return None
        own = _results(study, algorithm, lam)
        values = own[measure.column].to_numpy(float)
        missing = np.isnan(values) & ~own["diverged"].to_numpy(bool)
        kept = np.isfinite(values) & ~own["diverged"].to_numpy(bool)
        gain = np.full(len(own), -np.inf)
        gain[kept] = measure.better * measure.scaled(values[kept])
        return pd.Series(gain, own.index)[~missing]

    return read


def hits(target: Target) -> Read:
    """1 of a run that meets every bound of a target, 0 of another and of a DIVERGED one."""

    def read(study: Rows, algorithm: str, lam: float) -> pd.Series | None:
        if not all(has(study, algorithm, bound.metric) for bound in target):
            return None
        own = _results(study, algorithm, lam)
        met, missing = ~own["diverged"], pd.Series(False, own.index)
        for metric, side, value in target:
            met &= own[metric] >= value if side == AT_LEAST else own[metric] <= value
            missing |= own[metric].isna() & ~own["diverged"]
        return met.astype(float)[~missing]

    return read


def has(study: Rows, algorithm: str, column: str) -> bool:
    """Whether a system has a metric: a COMPLETED run has a value, or none COMPLETED to tell."""
    if column not in study.runs:
        return False
    done = rows.completed(study.runs[study.runs["algorithm"] == algorithm])
    return done.empty or bool(done[column].notna().any())


def _results(study: Rows, algorithm: str, lam: float) -> pd.DataFrame:
    own = rows.results(study.group(algorithm, lam))
    return own.assign(diverged=own["outcome"] == Outcome.DIVERGED.value).set_index(KEY)
