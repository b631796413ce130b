"""The folder that image data are looked for in."""

from __future__ import annotations

from pathlib import Path

from trainables import cache
from trainables.named_paths import NamedPath

VARIABLE = "GENERATIVE_ROBUSTNESS_DATA"
"""Environment variable that names the folder."""

DATA = NamedPath(VARIABLE)
named, using = DATA.named, DATA.using


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
