"""Folded files: tables of many files of a study's folder in one, which names the files that it replaces.

Shared by `sweeps`, which folds, and `analysis`, as the result schema is. A study that trains stores a file per cohort; `sweeps.store.compact`
folds them. A folded file becomes visible whole, in one atomic step, and from then on its rows count and those of the files
that it replaces do not, whether they are deleted by then or not: at every moment each row is in exactly one file that counts.
A file is known by its name and size: another one of that name counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from result_files import visible_files

PREFIX = "folded-"
"""Beginning of a folded file's name; cohorts' files begin with a hash, or with `failed-`."""

REPLACES, FULL = b"replaces", b"full"
"""Keys of a folded file's metadata: name -> size of each file that it replaces, as JSON; and whether it is large enough to be let be."""

SMALL = 4 << 20
"""Bytes up to which a file of an object store is fetched whole, in one request."""

ATTEMPTS, PAUSE = 10, 0.1
"""Times that files are listed anew where some are folded meanwhile, and seconds before the second time, which double."""

Read = TypeVar("Read")


def tables_of(filesystem: pafs.FileSystem, folder: str) -> list[pafs.FileInfo]:
    """Tables in a folder, by name, whether they count or not."""
    found = [info for info in visible_files(filesystem, folder) if info.base_name.endswith(".parquet")]
    return sorted(found, key=lambda info: info.path)


def counting(filesystem: pafs.FileSystem, listed: Sequence[pafs.FileInfo]) -> list[pafs.FileInfo]:
    """The files whose rows count: those that no other one replaces.

    Args:
        listed: `tables_of` a folder.

    Raises:
        pyarrow.ArrowException, OSError: a folded file is damaged.
    """
    if len(listed) < 2:
        return list(listed)
    gone = replaced(filesystem, listed)
    return [info for info in listed if gone.get(info.base_name) != info.size]


def replaced(filesystem: pafs.FileSystem, listed: Sequence[pafs.FileInfo]) -> dict[str, int]:
    """Name -> size of all files that the folded files among these replace, whether they are still there or not."""
    gone: dict[str, int] = {}
    for info in listed:
        if info.base_name.startswith(PREFIX):
            gone |= replaced_by(pq.read_metadata(opened(filesystem, info)).metadata)
    return gone


def replaced_by(metadata: dict[bytes, bytes] | None) -> dict[str, int]:
    """Name -> size of what a file with these metadata replaces; nothing where it is no folded one."""
    names: dict[str, int] = json.loads((metadata or {}).get(REPLACES, b"{}"))
    return names


def opened(filesystem: pafs.FileSystem, info: pafs.FileInfo, whole: bool = False) -> pa.NativeFile | str:
    """A table's file, to be given to Parquet; of an object store in one request if it is small or all of it is read (`whole`)."""
    if isinstance(filesystem, pafs.LocalFileSystem):
        return str(info.path)
    file = filesystem.open_input_file(info.path)
    return pa.BufferReader(file.read_buffer()) if whole or info.size <= SMALL else file


def read_steadily(
    filesystem: pafs.FileSystem, folder: str, read: Callable[[list[pafs.FileInfo]], Read]
) -> Read:
    """What `read` makes of the files that count, which it is given anew where files were folded and deleted while it read.

    A listing is not taken at one moment, and may lack both a file that is gone and the one that replaces it; the latter is in
    the listing after it.
    """
    listed = tables_of(filesystem, folder)
    for attempt in range(ATTEMPTS):
        try:
            result = read(counting(filesystem, listed))
            gone = None
        except FileNotFoundError as error:
            gone = error
            time.sleep(PAUSE * 2**attempt)  # a client of a shared disk may list what was there a minute ago
        before, listed = listed, tables_of(filesystem, folder)
        if not gone and _folded(listed) <= _folded(before):
            return result
    raise gone or FileNotFoundError(
        f"{folder} must not be folded again and again while it is read; try again"
    )


def _folded(listed: Sequence[pafs.FileInfo]) -> set[str]:
    return {info.base_name for info in listed if info.base_name.startswith(PREFIX)}
