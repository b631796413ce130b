"""Circumstances of two sides: commits, versions, devices, instruction sets, time and what their manifests declare."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.compare.sides import VERSIONS, Side

COLUMNS = ("git_commit", "device", "sampler", "cohort_size")
"""Columns of provenance whose values are told one by one."""

SECONDS = "train_seconds"

NOT_SAID = "not recorded"
"""In place of a value in rows from before it was recorded."""

AMENDED = ("made", "metrics", "labels", "baselines", "own", "hyper_parameters", "absent")
"""Fields of manifests that say what a version knows, and not how the study was trained; metrics are told by themselves."""


@dataclass(frozen=True)
class Changed:
    """Differences in the environment of both sides' runs.

    Attributes:
        values: name -> value -> number of matched runs, of both sides, where these are not the same values.
        declared: field of study.json -> what it is on both sides.
        seconds: of training, all matched runs.
    """

    values: dict[str, tuple[dict[str, int], dict[str, int]]]
    declared: dict[str, tuple[object, object]]
    seconds: tuple[float, float]


def changed(first: Side, second: Side, run_keys: tuple[pa.Array, pa.Array]) -> Changed:
    """Changes from the runs with these keys on one side to those on the other."""
    tables = [
        side.read([*COLUMNS, VERSIONS, SECONDS], keys)
        for side, keys in zip((first, second), run_keys, strict=True)
    ]
    counts = [_counts(table) for table in tables]
    names = dict.fromkeys(name for one in counts for name in one)
    values = {name: (dict(counts[0].get(name, {})), dict(counts[1].get(name, {}))) for name in names}
    seconds = [float(pc.sum(table[SECONDS]).as_py() or 0.0) for table in tables]
    return Changed(
        {name: (a, b) for name, (a, b) in values.items() if a.keys() != b.keys()},
        _declared(first, second),
        (seconds[0], seconds[1]),
    )


def _counts(table: pa.Table) -> dict[str, Counter[str]]:
    """Name -> value -> number of rows, of COLUMNS and of each key of VERSIONS."""
    found: dict[str, Counter[str]] = {}
    for name in COLUMNS:
        for one in table[name].value_counts().to_pylist():
            value = NOT_SAID if one["values"] is None else str(one["values"])
            found.setdefault(name, Counter())[value] += one["counts"]
    texts = [(json.loads(one["values"]), one["counts"]) for one in table[VERSIONS].value_counts().to_pylist()]
    for key in sorted({key for said, _ in texts for key in said}):
        for said, count in texts:
            found.setdefault(key, Counter())[str(said.get(key, NOT_SAID))] += count
    return found


def _declared(first: Side, second: Side) -> dict[str, tuple[object, object]]:
    pairs = {
        field.name: (getattr(first.manifest, field.name), getattr(second.manifest, field.name))
        for field in dataclasses.fields(first.manifest)
        if field.name not in AMENDED
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
