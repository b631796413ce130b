"""Tables of a study's folder that were not read yet: a process that follows a study reads each file once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow.fs as pafs

from result_files import visible_files

Seen = dict[str, tuple[int, int | None]]
"""Path -> size and time of change, in nanoseconds."""


@dataclass(frozen=True)
class New:
    """Files to read now.

    Attributes:
        files: in the order of their names.
        anew: whether a file that was read has changed or gone, so that all are to be read again.
    """

    files: Seen
    anew: bool


class Unread:
    """Files of one folder.

    Attributes:
        read: those that were read.
    """

    def __init__(self, filesystem: pafs.FileSystem, folder: str) -> None:
        self._filesystem, self._folder = filesystem, folder
        self.read: Seen = {}

    def new(self, listed: Iterable[pafs.FileInfo] | None = None) -> New:
        """Files that were not read, of those that are listed; None for all of the folder. Raises OSError."""
        if listed is None:
            listed = visible_files(self._filesystem, self._folder)
        there = {
            i.path: (i.size, i.mtime_ns)
            for i in sorted(listed, key=lambda i: i.path)
            if i.extension == "parquet"
        }
        anew = any(there.get(path) != seen for path, seen in self.read.items())
        if anew:
            self.read = {}
        return New({path: info for path, info in there.items() if path not in self.read}, anew)

    def mark(self, new: New) -> None:
        """Counts these files as read."""
        self.read |= new.files
