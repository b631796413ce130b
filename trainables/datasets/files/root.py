"""The folder that image data are looked for in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from trainables import cache

VARIABLE = "GENERATIVE_ROBUSTNESS_DATA"
"""Environment variable that names the folder."""


def folder() -> Path:
    """The folder: of `using`, else of the environment variable, else one of the cache folder, which need not be there.

    Raises:
        ValueError: the one that was named is no folder.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return cache.folder() / "data"
    path = Path(named).expanduser()
    if not path.is_dir():
        raise ValueError(
            f"--data-dir, or else {VARIABLE}, must be a folder, got {named!r}; make it, or name another"
        )
    return path.absolute()


@contextlib.contextmanager
def using(named: str | None) -> Iterator[None]:
    """Has this process, and those that it starts, look in a folder; None changes nothing."""
    before = os.environ.get(VARIABLE)
    if named is not None:
        os.environ[VARIABLE] = str(Path(named).expanduser().absolute())
    try:
        yield
    finally:
        if named is not None:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before
