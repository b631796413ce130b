"""Data sets, one file each: found, not listed. Adding one is adding a file here, or in a package of one's own (`part_registry`).

They are loaded when one is asked for, and torch with them.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from typing import TYPE_CHECKING

import part_registry

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet


@functools.cache
def available() -> dict[str, DataSet]:
    """Every data set by name, in alphabetical order."""
    from trainables.datasets.base import DataSet

    return part_registry.contributed(__name__, "datasets", __path__, DataSet)


def find(name: str) -> DataSet:
    """The data set called `name`, or at an import path module:Class. Raises ValueError, naming those there are."""
    return available()[name] if name in available() else _elsewhere(name)


@functools.cache
def _elsewhere(path: str) -> DataSet:
    from trainables.datasets.base import DataSet

    data: DataSet = part_registry.find(path, available(), DataSet, "data")
    return data


def of_version(version: str, named: str = "") -> str | None:
    """Name of the data set that has a version; None where it is not here.

    Args:
        version: as rows say it.
        named: what their study calls its data, which may be an import path.
    """
    names = [name for name, data in available().items() if data.version == version]
    if ":" in named:
        with contextlib.suppress(ValueError):
            names += [named] * (find(named).version == version)
    return names[0] if names else None


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
    return _resized(data, z_dim)


@functools.cache
def _resized(data: DataSet, z_dim: int) -> DataSet:
    changed = copy.copy(data)
    vars(changed)["z_dim"] = z_dim
    return changed
