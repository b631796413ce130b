"""Runs that stand for many: the exemplars of a study, and means over the seeds of each configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from result_manifest import Manifest
from result_metrics import MetricInfo
from result_reading import one_row_per_run
from result_schema import VERSION, Outcome, conformed, run_name
from sweeps.tracking.contents import has_lambda, milliseconds, params_of
from sweeps.tracking.selection import halvings, within
from sweeps.tracking.study_rows import StudyRows

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import RunContent

KIND = "configuration"
"""Tag `kind` of the runs that have means."""

KEY = "configuration_run"
"""Tag that tells them apart."""

GROUP = ("algorithm", "lam", "configuration_key", "budget", "data_version", VERSION, "sampler")
"""Columns in which the runs of one mean agree, with the hyper-parameters."""

_RUN = ("run_key", "outcome", "iterations", "started_at", "finished_at", "configuration", "seed")


@dataclass(frozen=True)
class Aggregate:
    """Runs that differ in their seeds alone.

    Attributes:
        key: their name.
        content: digest of all that is shown.
        row: columns of GROUP and hyper-parameters, counts of outcomes, and means and counts of metrics.
    """

    key: str
    content: str
    row: Mapping[str, Any]


class Summary:
    """The valid rows of a study, all at once, without curves; to be made once nothing more is stored.

    Args:
        rows: the study's.

    Raises:
        OSError, pyarrow.ArrowException: they cannot be read.
    """

    def __init__(self, rows: StudyRows) -> None:
        self._manifest = rows.manifest
        names = {*_RUN, *GROUP, *self._manifest.hyper_parameters, *(m.name for m in self._manifest.metrics)}
        whole = self._manifest.runs_schema
        schema = pa.schema([column for column in whole if column.name in names])
        tables = [schema.empty_table()]
        for path in rows.paths():
            with rows.filesystem.open_input_file(path) as stream, pq.ParquetFile(stream) as file:
                own = [name for name in file.schema_arrow.names if name in names]
                tables.append(_encoded(conformed(file.read(own), schema)))
        self._table = _valid(pa.concat_tables([_encoded(tables[0]), *tables[1:]])).unify_dictionaries()

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self._table.num_rows)

    @cached_property
    def exemplars(self) -> set[str]:
        """Keys of the best, the median and the worst COMPLETED run of each algorithm and λ, by each headline metric."""
        metrics = [metric for metric in self._manifest.metrics if metric.name in self._manifest.headline]
        return {key for metric in metrics for key in _exemplars(self._table, metric)}

    def aggregates(self) -> Iterator[Aggregate]:
        """Means over seeds; of more than a sample's number of configurations those of a sample."""
        manifest = self._manifest
        keys = [*GROUP, *manifest.hyper_parameters]
        columns = {name: self._table[name] for name in keys}
        for outcome in Outcome:
            columns[outcome.value.lower()] = pc.equal(self._table["outcome"], outcome.value).cast(pa.int64())
        for name in ("started_at", "finished_at", "configuration"):
            columns[name] = self._table[name]
        names = [metric.name for metric in manifest.metrics]
        for name in names:
            values = self._table[name]
            columns[name] = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
        counts = [(outcome.value.lower(), "sum") for outcome in Outcome]
        spans = [("started_at", "min"), ("finished_at", "max"), ("configuration", "min")]
        grouped = (
            pa.table(columns).group_by(keys).aggregate([*counts, *spans, *((name, "mean") for name in names)])
        )
        kept = within(grouped["configuration_key"], halvings(grouped.num_rows))
        for row in grouped.filter(pa.array(kept)).to_pylist():
            shown = {
                name.removesuffix("_mean") if name.removesuffix("_mean") in names else name: v
                for name, v in row.items()
            }
            key = hashlib.sha256(repr([row[name] for name in GROUP]).encode()).hexdigest()[:32]
            yield Aggregate(key, hashlib.sha256(repr(sorted(shown.items())).encode()).hexdigest(), shown)


def content_of(aggregate: Aggregate, manifest: Manifest) -> RunContent:
    """Converts means to an MLflow run."""
    from sweeps.tracking.mlflow_store import RunContent

    row = {**aggregate.row, "configuration": aggregate.row["configuration_min"], "seed": 0}
    counts = {outcome.value.lower(): row[f"{outcome.value.lower()}_sum"] for outcome in Outcome}
    values = {metric.name: row[metric.name] for metric in manifest.metrics if row[metric.name] is not None}
    started, finished = milliseconds(row["started_at_min"]), milliseconds(row["finished_at_max"])
    runs = sum(counts.values())
    metrics = {"runs": float(runs), **{name: float(count) for name, count in counts.items()}, **values}
    tags = {
        "kind": KIND,
        KEY: aggregate.key,
        "content": aggregate.content,
        "algorithm": row["algorithm"],
        VERSION: str(row[VERSION]),
        "data_version": row["data_version"],
        "configuration_key": row["configuration_key"],
    }
    if row["sampler"] is not None:
        tags["sampler"] = row["sampler"]
    return RunContent(
        name=f"{run_name(row, has_lambda(row, manifest)).rpartition(' seed ')[0]} mean of {runs}",
        started=started,
        finished=finished,
        status="FINISHED",
        params=params_of(row, manifest),
        metrics=[(name, value, finished, row["budget"]) for name, value in metrics.items()],
        tags=tags,
    )


def _valid(table: pa.Table) -> pa.Table:
    """One row per run (`one_row_per_run`), in no order; only runs with several rows are sorted."""
    counts = pc.value_counts(table["run_key"].combine_chunks())
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if not len(several):
        return table
    doubled = pc.is_in(table["run_key"], value_set=several)
    return pa.concat_tables([table.filter(pc.invert(doubled)), one_row_per_run(table.filter(doubled))])


def _exemplars(runs: pa.Table, metric: MetricInfo) -> Iterator[str]:
    """Yields keys of the COMPLETED runs in first, middle and last place of each algorithm and λ; ties by run key."""
    runs = runs.select(["run_key", "outcome", "algorithm", "lam", metric.name])
    runs = runs.filter(
        pc.and_(pc.equal(runs["outcome"], Outcome.COMPLETED.value), pc.is_valid(runs[metric.name]))
    )
    algorithms = runs["algorithm"].combine_chunks().indices.to_numpy().astype(np.int64)
    lambdas, weights = np.unique(runs["lam"].to_numpy(), return_inverse=True)
    groups, values = algorithms * max(len(lambdas), 1) + weights, metric.better * runs[metric.name].to_numpy()
    order = np.lexsort((values, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        ranked = values[order[start:end]]
        for place in (0, (len(ranked) - 1) // 2, len(ranked) - 1):
            first, last = (np.searchsorted(ranked, ranked[place], side) for side in ("left", "right"))
            tied = runs["run_key"].take(pa.array(order[start + first : start + last])).to_pylist()
            yield sorted(tied)[place - first]


def _encoded(table: pa.Table) -> pa.Table:
    """Texts but the keys and outcomes as numbers of a dictionary, which take less memory and group faster."""
    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type) and column.name not in ("run_key", "outcome"):
            table = table.set_column(place, column.name, table[column.name].dictionary_encode())
    return table
