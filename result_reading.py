"""Readers of a study's tables: each gives exactly one row per key, and passes over no file that is damaged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

import result_folded
from result_files import open_directory
from result_manifest import SchemaError, read_manifest
from result_schema import SAMPLES, Outcome, conformed

READERS = 16
"""Files that are read at once: an object store answers many in the time of one."""

THREADED = 1 << 20
"""Bytes from which on one file is decoded by several threads."""


def read_runs(uri: str, columns: Sequence[str] | None = None) -> pa.Table:
    """All runs of a study, exactly one row per run key (`one_row_per_run`), sorted by run key.

    Args:
        uri: the study's directory.
        columns: to read, in this order; None for all.

    Raises:
        SchemaError: there is no study, or a file of it is damaged: none is passed over.
    """
    schema = read_manifest(uri).runs_schema
    if columns is None:
        return one_row_per_run(read_table(uri, "runs", schema))
    needed = dict.fromkeys((*columns, "run_key", "outcome", "iterations", "finished_at"))
    return one_row_per_run(read_table(uri, "runs", schema, columns=list(needed))).select(list(columns))


def read_curves(uri: str) -> pa.Table:
    """Learning curves, one row per (run key, iteration), sorted by both."""
    return one_row_per_point(read_table(uri, "curves", read_manifest(uri).curves_schema))


def read_samples(uri: str, run_keys: Collection[str] | None = None) -> pa.Table:
    """Generated points, one row per run key; of some runs alone where their keys are given."""
    return one_row_per_sample(read_table(uri, "samples", SAMPLES, run_keys))


def one_row_per_run(table: pa.Table) -> pa.Table:
    """The row that counts for each run key: the one that went furthest, then the earliest finished; sorted by run key.

    FAILED went nowhere; COMPLETED and DIVERGED went further than STOPPED at any iteration.
    """
    unfinished = pa.array([Outcome.STOPPED.value, Outcome.FAILED.value])
    rank = pc.index_in(table["outcome"], value_set=unfinished).fill_null(-1)
    further = [("iterations", "descending"), ("finished_at", "ascending")]
    ranked = table.select(["run_key", *(name for name, _ in further)]).append_column("_rank", rank)
    return table.take(_first_of(ranked, ["run_key"], [("_rank", "ascending"), *further]))


def one_row_per_point(curves: pa.Table) -> pa.Table:
    """Learning curves with one row per (run key, iteration), sorted by both."""
    return curves.take(_first_of(curves, ["run_key", "iteration"]))


def one_row_per_sample(samples: pa.Table) -> pa.Table:
    """Points with one row per run key, sorted by it."""
    return samples.take(_first_of(samples, ["run_key"]))


def _first_of(table: pa.Table, keys: list[str], then: Sequence[tuple[str, str]] = ()) -> pa.Array:
    """Places of the first row for each of the keys, sorted by them.

    Args:
        table: rows.
        keys: columns that are equal in rows of which one counts.
        then: columns, and their directions, by which that one is the first.
    """
    by = [(key, "ascending") for key in keys]
    places = pc.sort_indices(table, by)
    first = _starts(table, keys, places)
    if then and not pc.all(first).as_py():  # rarely: the other columns are sorted by where they are needed
        places = pc.sort_indices(table, [*by, *then])
        first = _starts(table, keys, places)
    return places.filter(first)


def _starts(table: pa.Table, keys: list[str], places: pa.Array) -> pa.Array:
    """Whether the keys at each of these places differ from those before it, [places]."""
    changed = pa.array([False] * max(len(places) - 1, 0), pa.bool_())
    for key in keys:
        column = pa.chunked_array(table[key].take(places)).combine_chunks()
        changed = pc.or_(changed, pc.not_equal(column[1:], column[:-1]))
    return pa.concat_arrays([pa.array([True] * min(len(places), 1), pa.bool_()), changed])


def read_table(
    uri: str,
    name: str,
    schema: pa.Schema,
    run_keys: Collection[str] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """All rows in the files of a study's folder that count (`result_folded`), in no order.

    Args:
        uri: the study's directory.
        name: of the folder.
        schema: of its tables.
        run_keys: the runs whose rows are read; None for all.
        columns: to read, in this order; None for all.

    Raises:
        SchemaError: a file is damaged: none is passed over.
    """
    schema = schema if columns is None else pa.schema([schema.field(column) for column in columns])
    filters = None if run_keys is None else pc.field("run_key").isin(pa.array(sorted(run_keys), pa.string()))
    filesystem, path = open_directory(uri)

    def read(info: pafs.FileInfo) -> pa.Table:
        try:
            return read_file(filesystem, info, schema, columns is not None, filters)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # the storage, not the file
                raise
            raise damaged(info.path, name, error) from error

    def every(files: list[pafs.FileInfo]) -> list[pa.Table]:
        return list(reading.map(read, files))

    with ThreadPoolExecutor(READERS) as reading:
        try:
            tables = result_folded.read_steadily(filesystem, f"{path}/{name}", every)
        except pa.ArrowException as error:
            raise damaged(f"{path}/{name}/{result_folded.PREFIX}*", name, error) from error
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()


def read_file(
    filesystem: pafs.FileSystem,
    info: pafs.FileInfo,
    schema: pa.Schema,
    part: bool = False,
    filters: pc.Expression | None = None,
) -> pa.Table:
    """Rows of one file, `conformed`.

    Args:
        filesystem: its storage.
        info: its path and size.
        schema: of its table.
        part: whether the file may have other columns, which are not read.
        filters: of rows; None for all.

    Raises:
        pyarrow.ArrowException, OSError: it is damaged, or gone.
    """
    whole, threads = filters is None and not part, info.size > THREADED
    source = result_folded.opened(filesystem, info, whole)
    with pq.ParquetFile(source, pre_buffer=part) as file:
        columns = [name for name in file.schema_arrow.names if name in schema.names] if part else None
        if filters is None:
            return conformed(file.read(columns, use_threads=threads), schema)
    source = result_folded.opened(filesystem, info)
    return conformed(pq.read_table(source, columns=columns, filters=filters, use_threads=threads), schema)


def damaged(path: str, name: str, error: Exception) -> SchemaError:
    reason = str(error).strip().splitlines()[0]
    return SchemaError(f"{path} must be a table of {name}, but it is damaged ({reason}); restore it, or remove it and "
                       "give the study's command again, which trains the runs that have no row")  # fmt: skip
