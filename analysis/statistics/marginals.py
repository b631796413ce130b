"""Marginal medians: how a metric and divergence depend on one hyper-parameter, all others taken as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import rows, states
from analysis.rows import Rows
from analysis.vocabulary import Measure
from result_names import exact

_MOST_LEVELS = 8
"""A numeric hyper-parameter with more distinct values (drawn by a search) is cut at its quartiles."""


def marginals(study: Rows, lam: float) -> pd.DataFrame:
    """Medians per level of each hyper-parameter at one λ.

    Columns: `hyper_parameter`, `level` (words), `algorithm`, `results` (COMPLETED + DIVERGED), `diverged`,
    and each headline metric (medians over the COMPLETED runs, NaN for none). DIVERGED runs stand in
    `diverged` and `results`; FAILED and STOPPED ones nowhere. Rows in order of hyper-parameter, level, algorithm.
    """
    here = rows.results(study.runs[study.runs["lam"] == lam])
    table = []
    for name in study.manifest.hyper_parameters:
        levels = _levels(study.runs[name])
        for level in dict.fromkeys(levels.sort_values(key=lambda column: column.map(_position))):
            for algorithm in study.algorithms:
                group = here[(levels.loc[here.index] == level) & (here["algorithm"] == algorithm)]
                if len(group):
                    table.append({
                        "hyper_parameter": name, "level": level[1], "algorithm": algorithm,
                        "results": len(group), "diverged": rows.diverged_count(group),
                        **{m.column: _median(group, m) for m in study.headline},
                    })  # fmt: skip
    columns = ["hyper_parameter", "level", "algorithm", "results", "diverged"]
    return pd.DataFrame(table, columns=[*columns, *(m.column for m in study.headline)])


def _levels(column: pd.Series) -> pd.Series:
    """Each row's level as (position, words); quartile ranges where there are too many numeric values."""
    values = column.tolist()
    distinct = sorted(set(values), key=lambda value: (str(type(value)), value))
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    if len(distinct) <= _MOST_LEVELS or not numeric:
        places = {value: (float(i), _words(value)) for i, value in enumerate(distinct)}
        return pd.Series([places[value] for value in values], index=column.index, dtype=object)
    edges = np.unique(np.quantile(np.asarray(values, float), [0, 0.25, 0.5, 0.75, 1]))
    ends = [f"{edge:.3g}" for edge in edges]
    if len(set(ends)) < len(ends):
        ends = [exact(edge) for edge in edges.tolist()]
    index = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    ranges = [(float(i), f"{ends[i]} to {ends[i + 1]}") for i in range(len(ends) - 1)]
    return pd.Series([ranges[i] for i in index], index=column.index, dtype=object)


def _position(level: tuple[float, str]) -> float:
    return level[0]


def _words(value: Any) -> str:
    return exact(value) if isinstance(value, float) else str(value)


def _median(group: pd.DataFrame, measure: Measure) -> float:
    values = states.values(group, measure)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else float("nan")
