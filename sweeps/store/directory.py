"""A study's directory as the processes that write it have it: where it is, whose it is, and the right to write."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from result_files import open_directory, visible_files, write
from result_manifest import Manifest, SchemaError, read_manifest
from sweeps.store.lease import Token


class StudyDirectory:
    """A study's results directory, local or any `pyarrow.fs` URI.

    Args:
        uri: the directory. Nothing is written by this.
        lease: name of the lease under which this process writes, or None.

    Attributes:
        token: that lease. Every write raises Fenced once another driver has taken it.
    """

    def __init__(self, uri: str, lease: str | None = None) -> None:
        self.uri = uri
        self.filesystem, self.path = open_directory(uri)
        self.token = Token(self.filesystem, self.path, lease) if lease else None

    @cached_property
    def manifest(self) -> Manifest:
        """Manifest as this store wrote it, or as it was at the first access."""
        return read_manifest(self.uri)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the rows, from the manifest."""
        return self.manifest.runs_schema

    def check(self, study: str, precision: str = "float32") -> bool:
        """True if the directory already is this study's store; False if there is nothing yet.

        Raises:
            SchemaError: it holds another study, precision or schema version, or is no store and not empty.
        """
        info = self.filesystem.get_file_info(self.path)
        if info.type == pafs.FileType.NotFound:
            return False
        if info.type == pafs.FileType.File:
            raise SchemaError(f"{self.uri} must be a directory, but it is a file; choose another --results")
        if not visible_files(self.filesystem, self.path):
            return False
        manifest = read_manifest(self.uri)
        if manifest.study != study:
            raise SchemaError(
                f"{self.uri} holds the study {manifest.study!r}, not {study!r}; choose another --results"
            )
        if manifest.precision != precision:
            raise SchemaError(f"{self.uri} holds results in precision {manifest.precision}, not {precision}; "
                              f"choose another --results, or --precision {manifest.precision}")  # fmt: skip
        return True

    @property
    def uri_for_workers(self) -> str:
        """The directory, valid in a process with another working directory."""
        return self.uri if "://" in self.uri else self.path

    def check_writable(self) -> None:
        """Raises SchemaError if a local directory cannot be made or written."""
        if not isinstance(self.filesystem, pafs.LocalFileSystem):
            return
        path = Path(self.path)
        there = next(p for p in (path, *path.parents) if p.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            raise SchemaError(f"--results must be a directory that can be written, but {there} cannot be "
                              f"({error.strerror or error}); choose another") from error  # fmt: skip

    def write_table(self, name: str, table: pa.Table, group: int | None = None) -> None:
        """Writes or replaces a table of this name in the directory, in one atomic step; `group` as Parquet's row_group_size."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=group)
        self.write_bytes(name, sink.getvalue())

    def write_bytes(self, name: str, content: bytes | pa.Buffer) -> None:
        """Writes or replaces a file of this name in the directory, in one atomic step. Raises Fenced, OSError."""
        if self.token:
            self.token.check()
        write(self.filesystem, f"{self.path}/{name}", content)
