"""Data sets, one file each: found, not listed. Adding one is adding a file here, or in a package of one's own (`part_registry`).

They are loaded when one is asked for, and torch with them.
"""

from __future__ import annotations

import copy
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


@functools.cache
def sized(name: str, z_dim: int | None) -> DataSet:
    """The data set called `name`, for models whose codes have `z_dim` dimensions; None for its own.

    Raises:
        ValueError: there is none, or it comes with networks, which fix the dimensions of codes.
    """
    data = find(name)
    if z_dim is None or z_dim == data.z_dim:
        return data
    if data.known:
        raise ValueError(
            f"z_dim must be {data.z_dim} on {name}, which comes with its {', '.join(data.known)}, got {z_dim}"
        )
    changed = copy.copy(data)
    vars(changed)["z_dim"] = z_dim
    return changed
