"""Counts stored runs of other versions of algorithms and data than a study trains now; they are kept, and not counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from result_reading import read_runs, read_table
from result_schema import VERSION
from sweeps.store.store import Store
from trainables import datasets, objectives


def words(store: Store, algorithms: Iterable[str], data: str) -> str:
    """Number of stored runs of these algorithms by their other version, in words; '' if there are none.

    Args:
        store: a study's rows.
        algorithms: names of those that are trained now.
        data: name of the data set that they are trained on.
    """
    versions, on = {name: objectives.find(name).version for name in algorithms}, datasets.find(data).version
    columns = ["algorithm", VERSION, "data_version"]
    every = read_table(store.uri, "runs", store.manifest.runs_schema, columns=columns)
    kinds = every.group_by(columns).aggregate([]).to_pylist()
    if all(
        kind["data_version"] == on and kind[VERSION] == versions.get(kind["algorithm"], kind[VERSION])
        for kind in kinds
    ):
        return ""  # without a look at which row of a run counts, which takes seconds of a million
    rows = read_runs(store.uri, columns).group_by(columns).aggregate([([], "count_all")])
    counts: Counter[str] = Counter()
    for algorithm, version, data_version, count in zip(
        *(column.to_pylist() for column in rows.columns), strict=True
    ):
        if algorithm not in versions:
            continue
        if data_version != on:
            counts[f"on {data_version} (now {on})"] += count
        elif version != versions[algorithm]:
            counts[f"of {algorithm}, version {version} (now {versions[algorithm]})"] += count
    if not counts:
        return ""
    listed = "; ".join(f"{count} {which}" for which, count in sorted(counts.items()))
    return f"{counts.total()} stored runs are of other versions and not counted: {listed}"
