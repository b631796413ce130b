"""The cache folder of this user: what can be made again, each file written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def folder() -> Path:
    """The folder, which need not be there yet."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "generative-robustness"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Has workers that want the same file wait for the one that makes it. Raises OSError where the folder cannot be written.

    Where the file system has no locks each makes its own; the last rename wins, and all are equal.
    """
    with path.open("w") as lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside this one to write, which takes its place in one atomic step, unless an error ends the writing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep(path: Path, text: str) -> None:
    """Write a file of the cache in one atomic step; where that is not possible it is made again next time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text)
