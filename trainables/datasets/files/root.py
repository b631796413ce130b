"""The folder that image data are looked for in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from trainables import cache

VARIABLE = "GENERATIVE_ROBUSTNESS_DATA"
"""Environment variable that names the folder."""


def named() -> str | None:
    """The folder that was named, whether it is there or not; None where none was."""
    return os.environ.get(VARIABLE) or None


def folder() -> Path:
    """The folder: of `using`, else of the environment variable, else one of the cache folder, which need not be there.

    Raises:
        ValueError: the one that was named is no folder.
    """
    if (path := named()) is None:
        return cache.folder() / "data"
    found = Path(path).expanduser().absolute()
    if not found.is_dir():
        raise ValueError(
            f"--data-dir, or else {VARIABLE}, must be a folder, got {path!r}; make it, or name another"
        )
    return found


@contextlib.contextmanager
def using(path: str | None) -> Iterator[None]:
    """Has this process, and those that it starts, look in a folder; None for the one that the variable names.

    Relative paths are made absolute: trials have working directories of their own.
    """
    before, path = os.environ.get(VARIABLE), path or named()
    if path is not None:
        os.environ[VARIABLE] = str(Path(path).expanduser().absolute())
    try:
        yield
    finally:
        if before is not None:
            os.environ[VARIABLE] = before
        else:
            os.environ.pop(VARIABLE, None)
