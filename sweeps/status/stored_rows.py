"""Rows of a study as its status counts them, one of each run, of files that are read once however often one looks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.fs as pafs

import result_folded
from result_files import open_directory
from result_manifest import Manifest
from result_reading import READERS, damaged, one_row_per_run, read_file
from sweeps.store.unread import Unread

COLUMNS = ("run_key", "outcome", "iterations", "finished_at", "error", "algorithm")
"""Columns that are read, and kept in memory for each run."""


class StoredRows:
    """Rows of a study's directory. A file is read when it is new; all are, where one has changed or gone, as when they are folded.

    Args:
        uri: the directory.
        manifest: its study's.
    """

    def __init__(self, uri: str, manifest: Manifest) -> None:
        self._filesystem, path = open_directory(uri)
        self._folder = f"{path}/runs"
        self._schema = pa.schema([manifest.runs_schema.field(name) for name in COLUMNS])
        self._files, self._rows = Unread(self._filesystem, self._folder), self._schema.empty_table()

    def now(self) -> pa.Table:
        """One row per run, of COLUMNS.

        Raises:
            SchemaError: a file is damaged.
            OSError: the storage does not answer.
        """
        try:
            return result_folded.read_steadily(self._filesystem, self._folder, self._with_new)
        except pa.ArrowException as error:
            raise damaged(f"{self._folder}/{result_folded.PREFIX}*", "runs", error) from error

    def _with_new(self, counting: Sequence[pafs.FileInfo]) -> pa.Table:
        new = self._files.new(counting)
        if new.anew:
            self._rows = self._schema.empty_table()
        infos = [info for info in counting if info.path in new.files]
        with ThreadPoolExecutor(READERS) as reading:
            tables = list(reading.map(self._read, infos))
        if tables:
            self._rows = one_row_per_run(pa.concat_tables([self._rows, *tables]).combine_chunks())
        self._files.mark(new)  # after reading all: a failure reads them again
        return self._rows

    def _read(self, info: pafs.FileInfo) -> pa.Table:
        try:
            return read_file(self._filesystem, info, self._schema, part=True)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # the storage, not the file
                raise
            raise damaged(info.path, "runs", error) from error
