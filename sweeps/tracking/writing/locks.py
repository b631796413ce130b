"""Locks of this user on this machine, by name: files in the folder for temporary ones, gone when they are released.

A lock is held through the file that has its name. A process that waited for one which was removed meanwhile holds a file
without a name, and takes the next: two processes never hold one lock. Files that killed processes left go with the next mirror.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PREFIX = f"generative-robustness-{os.getuid()}-"
_NOW = fcntl.LOCK_EX | fcntl.LOCK_NB


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Waits for a lock, and holds it. It ends with the process at the latest."""
    with contextlib.closing(_take(_path(name), fcntl.LOCK_EX)):
        yield


def try_lock(name: str) -> Lock | None:
    """The same lock, held until it is closed; None if another process holds it."""
    path = _path(name)
    for left in set(path.parent.glob(f"{_PREFIX}*.lock")) - {path}:
        with contextlib.suppress(OSError):  # somebody holds it
            _take(left, _NOW).close()
    try:
        return _take(path, _NOW)
    except BlockingIOError:
        return None


class Lock:
    """A held lock.

    Args:
        path: its file.
        file: the same, open and locked.
    """

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path, self._file = path, file

    def close(self) -> None:
        """Releases it: its file first, while nobody else can hold it."""
        if not self._file.closed:
            self._path.unlink(missing_ok=True)
            self._file.close()


def _path(name: str) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{digest}.lock"


def _take(path: Path, how: int) -> Lock:
    while True:
        file = path.open("w")
        try:
            fcntl.flock(file, how)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                return Lock(path, file)
        except FileNotFoundError:  # removed between the two looks
            pass
        except BaseException:
            file.close()
            raise
        file.close()
