"""Data sets, one file each: found, not listed. Adding one is adding a file here, or in a package of one's own (`part_registry`).

They are loaded when one is asked for, and torch with them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from part_registry import contributed

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet


@functools.cache
def available() -> dict[str, DataSet]:
    """Every data set by name, in alphabetical order."""
    from trainables.datasets.base import DataSet

    return contributed(__name__, "datasets", __path__, DataSet)


def find(name: str) -> DataSet:
    """The data set called `name`. Raises ValueError, naming those there are."""
    if name not in available():
        raise ValueError(f"data must be one of {', '.join(available())}, got {name!r}")
    return available()[name]
