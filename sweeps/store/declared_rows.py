"""Stored rows by the keys that their runs have now: those of an algorithm without λ were once stored under each λ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from result_schema import VERSION, Manifest, one_row_per_run
from trainables import datasets, objectives
from trainables.runs import Configuration, run_key

STORED_KEY = "stored_key"
"""Column of the key that a row is stored under, and its curve and its points."""


def renamed(runs: pa.Table, manifest: Manifest) -> dict[str, str]:
    """Stored key -> key now, of the rows that an algorithm without λ has at a λ that is not 0.

    Args:
        runs: rows as they are stored.
        manifest: of their study.
    """
    elsewhere = runs.filter(pc.not_equal(runs["lam"], 0.0))
    without = [name for name in pc.unique(elsewhere["algorithm"]).to_pylist() if _has_no_lambda(name)]
    if not without:
        return {}
    rows = elsewhere.filter(pc.is_in(elsewhere["algorithm"], value_set=pa.array(without)))
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


def by_key(runs: pa.Table, names: dict[str, str]) -> pa.Table:
    """Rows by the keys that their runs have now, one per key, with the column STORED_KEY.

    Args:
        runs: rows as they are stored.
        names: stored key -> key now, where it is another.
    """
    stored = runs["run_key"]
    keys = pa.array([names.get(key, key) for key in stored.to_pylist()], pa.string()) if names else stored
    place = runs.schema.get_field_index("run_key")
    table = runs.set_column(place, runs.schema.field(place), keys).append_column(STORED_KEY, stored)
    return one_row_per_run(table)


def _content(values: Mapping[str, Any], version: str, named: str) -> Mapping[str, object] | None:
    """Of a configuration on data of a version; None of values, or of data, that can be none any more."""
    known = datasets.of_version(version, named)
    try:
        configuration = Configuration(**{name: value for name, value in values.items() if value is not None})
    except ValueError:
        return None
    return configuration.on(datasets.find(known)).content if known else None


def _has_no_lambda(algorithm: str) -> bool:
    """Whether it is known to have none: what is not here any more is left as it is stored."""
    try:
        return objectives.find(algorithm).lam is None
    except ValueError:
        return False
