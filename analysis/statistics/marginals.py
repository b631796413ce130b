"""Marginal medians: how a metric and divergence depend on one hyper-parameter, all others taken as they come."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import rows, states
from analysis.rows import Rows, once
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
    columns = ["algorithm", "outcome", *(m.column for m in study.headline)]
    at = (study.runs["lam"] == lam).to_numpy(bool) & study.runs["outcome"].isin(rows.RESULTS).to_numpy(bool)
    here, table = study.runs.loc[at, columns], []
    algorithms = {name: (here["algorithm"] == name).to_numpy(bool) for name in study.algorithms}
    for name in study.manifest.hyper_parameters:
        places, words = _levels(study, name)
        places = places[at]
        for place, level in enumerate(words):
            for algorithm, own in algorithms.items():
                group = here[own & (places == place)]
                if len(group):
                    table.append({
                        "hyper_parameter": name, "level": level, "algorithm": algorithm,
                        "results": len(group), "diverged": rows.diverged_count(group),
                        **{m.column: _median(group, m) for m in study.headline},
                    })  # fmt: skip
    columns = ["hyper_parameter", "level", "algorithm", "results", "diverged"]
    return pd.DataFrame(table, columns=[*columns, *(m.column for m in study.headline)])


@once
def _levels(study: Rows, name: str) -> tuple[npt.NDArray[np.intp], list[str]]:
    """The level of each row by its place, [n], and the levels in words; quartile ranges where there are too many numeric values."""
    codes, found = pd.factorize(study.runs[name])
    distinct = found.tolist()
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    if len(distinct) <= _MOST_LEVELS or not numeric:
        order = sorted(range(len(distinct)), key=lambda i: (str(type(distinct[i])), distinct[i]))
        return np.argsort(order)[codes], [_words(distinct[i]) for i in order]
    values = study.runs[name].to_numpy(float)
    edges = np.unique(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    ends = [f"{edge:.3g}" for edge in edges]
    if len(set(ends)) < len(ends):
        ends = [exact(edge) for edge in edges.tolist()]
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return places, [f"{low} to {high}" for low, high in pairwise(ends)]


def _words(value: Any) -> str:
    return exact(value) if isinstance(value, float) else str(value)


def _median(group: pd.DataFrame, measure: Measure) -> float:
    values = states.values(group, measure)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else float("nan")
