"""Folds a study's files: the tables of many cohorts become few, each sorted by run key.

A study that trains stores a file per cohort, so that rows are there as soon as they are known. A million runs are then 42,000 files, each of which costs
a request and milliseconds to read. Folding reads some of them, writes their rows as one file that names them (`result_folded`),
reads that back, and only then deletes them. Interrupted anywhere it is done again from the start: what was folded stays
so, and files that were to be deleted do not count.

Pictures are not folded: they are most of an image study's bytes, and read for a few runs only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

import result_folded
from result_files import write
from result_folded import FULL, PREFIX, REPLACES
from result_manifest import Manifest
from result_reading import READERS, damaged, one_row_per_point, one_row_per_run, one_row_per_sample, read_file
from result_schema import SAMPLES
from sweeps.store.lease import Token
from sweeps.store.store import Store

BYTES = 32 << 20
"""Bytes in memory of a full file's rows: some 50,000 of runs, of which a study of a million has twenty files."""

PIECE = 1 << 20
"""Bytes of a file that are read back at once."""

LET_BE = 64
"""Files of a folder that cost too little to be folded at a study's end."""

CHECKED = 256
"""Deletions between two looks at the lease."""


@dataclass(frozen=True)
class Kind:
    """Tables of one folder.

    Attributes:
        name: the folder's.
        schema: of its rows.
        counted: their order, and one of those that are there twice.
        group: rows that are read together.
    """

    name: str
    schema: pa.Schema
    counted: Callable[[pa.Table], pa.Table]
    group: int


@dataclass
class Batch:
    """Files that become one."""

    files: list[pafs.FileInfo] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    bytes: int = 0

    def add(self, info: pafs.FileInfo, table: pa.Table) -> None:
        self.files.append(info)
        self.tables.append(table)
        self.bytes += table.nbytes

    @property
    def full(self) -> bool:
        return self.bytes >= BYTES


@dataclass(frozen=True)
class Folded:
    """Number of files of a folder that counted before, and that count now."""

    name: str
    before: int
    now: int


def kinds(manifest: Manifest) -> list[Kind]:
    """The folders of a study's directory whose files are folded."""
    return [
        Kind("samples", SAMPLES, one_row_per_sample, 1 << 9),
        Kind("curves", manifest.curves_schema, one_row_per_point, 1 << 16),
        Kind("runs", manifest.runs_schema, one_row_per_run, 1 << 16),
    ]


def fold(store: Store, let_be: int = 1) -> list[Folded]:
    """Folds the files of a study's folders that are not full yet, and deletes what was folded before.

    Args:
        store: the study's, with a token: nobody else folds, or trains, meanwhile.
        let_be: files of a folder that may stay as they are.

    Raises:
        SchemaError: a file is damaged; it stays, and so do the others.
        Fenced: another driver has taken the lease.
        OSError: the storage does not work; what is stored is whole.
    """
    return [_fold(store, kind, let_be) for kind in kinds(store.manifest)]


def _fold(store: Store, kind: Kind, let_be: int) -> Folded:
    filesystem, folder = store.filesystem, f"{store.path}/{kind.name}"
    listed = result_folded.tables_of(filesystem, folder)
    metadata = {
        info.base_name: _metadata(filesystem, kind, info)
        for info in listed
        if info.base_name.startswith(PREFIX)
    }
    gone: dict[str, int] = {}
    for one in metadata.values():
        gone |= result_folded.replaced_by(one)
    _delete(store, [info for info in listed if gone.get(info.base_name) == info.size])
    there = [info for info in listed if gone.get(info.base_name) != info.size]
    loose = [info for info in there if FULL not in metadata.get(info.base_name, {})]
    if len(loose) <= let_be:
        return Folded(kind.name, len(there), len(there))
    now = len(there) - len(loose)
    for batch in _batches(filesystem, kind, loose):
        if len(batch.files) > 1:
            _replace(store, kind, batch, metadata)
        now += 1
    return Folded(kind.name, len(there), now)


def _metadata(filesystem: pafs.FileSystem, kind: Kind, info: pafs.FileInfo) -> dict[bytes, bytes]:
    try:
        found: dict[bytes, bytes] = pq.read_metadata(result_folded.opened(filesystem, info)).metadata or {}
    except pa.ArrowException as error:
        raise damaged(info.path, kind.name, error) from error
    return found


def _batches(filesystem: pafs.FileSystem, kind: Kind, files: Sequence[pafs.FileInfo]) -> Iterator[Batch]:
    """Files whose rows are as many as fit into one, and at the end those that are left."""
    batch = Batch()
    with ThreadPoolExecutor(READERS) as reading:
        for some in _together(files):
            for info, table in zip(
                some, reading.map(lambda info: _read(filesystem, kind, info), some), strict=True
            ):
                batch.add(info, table)
                if batch.full:
                    yield batch
                    batch = Batch()
    if batch.files:
        yield batch


def _together(files: Sequence[pafs.FileInfo]) -> Iterator[list[pafs.FileInfo]]:
    """Files that are read at once: some for each reader, and in memory no more than a quarter of a full file, compressed."""
    some: list[pafs.FileInfo] = []
    for info in files:
        if some and (len(some) == 4 * READERS or sum(one.size for one in some) + info.size > BYTES // 4):
            yield some
            some = []
        some.append(info)
    if some:
        yield some


def _read(filesystem: pafs.FileSystem, kind: Kind, info: pafs.FileInfo) -> pa.Table:
    try:
        return read_file(filesystem, info, kind.schema)
    except pa.ArrowException as error:
        raise damaged(info.path, kind.name, error) from error


def _replace(store: Store, kind: Kind, batch: Batch, metadata: dict[str, dict[bytes, bytes]]) -> None:
    """Writes the rows of some files as one, reads it back and deletes them.

    Args:
        store, kind: where and what.
        batch: the files.
        metadata: of those that are folded ones; it replaces what they do.
    """
    replaces = {info.base_name: info.size for info in batch.files}
    for name in list(replaces):
        replaces |= result_folded.replaced_by(metadata.get(name))
    named = json.dumps(replaces, sort_keys=True).encode()
    rows = kind.counted(pa.concat_tables(batch.tables).combine_chunks())
    batch.tables.clear()  # several times their bytes are in memory else
    own = {REPLACES: named, **({FULL: b""} if batch.full else {})}
    table, sink = (
        rows.replace_schema_metadata({**(rows.schema.metadata or {}), **own}),
        pa.BufferOutputStream(),
    )
    pq.write_table(table, sink, compression="zstd", row_group_size=kind.group)
    content = sink.getvalue()
    folder = f"{store.path}/{kind.name}"
    path = f"{folder}/{PREFIX}{hashlib.sha256(named).hexdigest()[:16]}.parquet"
    _token(store).check()
    write(store.filesystem, path, content)
    _keep(store.filesystem, folder)
    if not _same(store.filesystem, path, content):
        raise OSError(f"{path} must be as it was written, but is read otherwise; its storage loses data")
    _delete(store, batch.files)


def _same(filesystem: pafs.FileSystem, path: str, content: pa.Buffer) -> bool:
    """Whether a file has this content, read piece by piece."""
    expected = memoryview(content).cast("B")
    with filesystem.open_input_stream(path) as stream:
        pieces = range(0, len(expected), PIECE)
        return all(expected[n : n + PIECE] == stream.read(PIECE) for n in pieces) and not stream.read(1)


def _keep(filesystem: pafs.FileSystem, folder: str) -> None:
    """Makes sure that a file's name lasts before others are deleted; object stores promise it."""
    if isinstance(filesystem, pafs.LocalFileSystem):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _delete(store: Store, files: Iterable[pafs.FileInfo]) -> None:
    """Deletes files that do not count any more, while the lease is held."""

    def delete(info: pafs.FileInfo) -> None:
        with contextlib.suppress(FileNotFoundError):
            store.filesystem.delete_file(info.path)

    left = iter(files)
    with ThreadPoolExecutor(READERS) as deleting:
        while some := list(islice(left, CHECKED)):
            _token(store).check()
            list(deleting.map(delete, some))


def _token(store: Store) -> Token:
    if store.token is None:
        raise ValueError(f"{store.uri} must be held under a lease to be folded, but is not; take one")
    return store.token
