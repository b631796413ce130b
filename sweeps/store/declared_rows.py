"""Maps stored rows to the keys that their runs have now: a run without λ was once stored under every λ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from result_manifest import Manifest
from result_reading import one_row_per_run
from result_schema import VERSION
from trainables import datasets, objectives
from trainables.runs import Configuration, run_key

STORED_KEY = "stored_key"
"""Column with the key under which a row, its curve and its points are stored."""

WEIGHED = ("algorithm", "lam")
"""Columns that tell whether a row's key is another now."""


def renamed(runs: pa.Table, manifest: Manifest) -> dict[str, str]:
    """Stored key -> key now, for rows that an algorithm without λ has at another λ than 0.

    Args:
        runs: rows as they are stored.
        manifest: their study's.
    """
    if not len(rows := misplaced(runs)):
        return {}
    names = list(manifest.hyper_parameters)
    points = zip(*(rows[name].to_pylist() for name in names), strict=True)
    kept = ("run_key", "study", "algorithm", "seed", "budget", "data_version", VERSION)
    facts = zip(*(rows[name].to_pylist() for name in kept), strict=True)
    contents: dict[tuple[Any, ...], Mapping[str, object] | None] = {}
    found = {}
    for point, (stored, study, algorithm, seed, budget, data, version) in zip(points, facts, strict=True):
        if (point, data) not in contents:
            contents[point, data] = _content(dict(zip(names, point, strict=True)), data, manifest.data)
        if (content := contents[point, data]) is not None:
            found[stored] = run_key(
                study, algorithm, 0.0, seed, budget, data, content, manifest.precision, version
            )
    return found


def misplaced(runs: pa.Table) -> pa.Table:
    """The rows of algorithms without λ at another λ than 0, whose keys are others now; WEIGHED tells them."""
    elsewhere = runs.filter(pc.not_equal(runs["lam"], 0.0))
    without = [name for name in pc.unique(elsewhere["algorithm"]).to_pylist() if _has_no_lambda(name)]
    return elsewhere.filter(pc.is_in(elsewhere["algorithm"], value_set=pa.array(without, pa.string())))


def by_key(runs: pa.Table, names: dict[str, str]) -> pa.Table:
    """Returns one row per run, under the key that the run has now, with the column STORED_KEY.

    Args:
        runs: rows as they are stored.
        names: stored key -> key now, for keys that changed.
    """
    stored = runs["run_key"]
    keys = pa.array([names.get(key, key) for key in stored.to_pylist()], pa.string()) if names else stored
    place = runs.schema.get_field_index("run_key")
    table = runs.set_column(place, runs.schema.field(place), keys).append_column(STORED_KEY, stored)
    return one_row_per_run(table)


def _content(values: Mapping[str, Any], version: str, named: str) -> Mapping[str, object] | None:
    """Content of a configuration on a data version; None if the values or the data are not supported any more."""
    known = datasets.of_version(version, named)
    try:
        configuration = Configuration(**{name: value for name, value in values.items() if value is not None})
    except ValueError:
        return None
    return configuration.on(datasets.find(known)).content if known else None


def _has_no_lambda(algorithm: str) -> bool:
    """True if the algorithm is known to have no λ; rows of an unknown algorithm stay as they are stored."""
    try:
        return objectives.find(algorithm).lam is None
    except ValueError:
        return False
