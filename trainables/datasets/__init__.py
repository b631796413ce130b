"""Data sets, one file each: found, not listed. Adding one is adding a file here, or in a package of one's own (`part_registry`).

They are loaded when one is asked for, and torch with them. Those of the folder `images` are read from files.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import part_registry
from result_names import own_values, split_variant

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet


@functools.cache
def available() -> dict[str, DataSet]:
    """Every data set by name, in alphabetical order."""
    from trainables.datasets import images
    from trainables.datasets.base import DataSet

    own = part_registry.contributed(__name__, "datasets", __path__, DataSet)
    return dict(sorted({**own, **part_registry.instances(images.__name__, images.__path__, DataSet)}.items()))


def find(name: str) -> DataSet:
    """The data set called `name`; fashion_mnist:part=0.1 with values of hyper-parameters of its own; or at an import path module:Class.

    Raises:
        ValueError: there is none, naming those there are; or it has no such hyper-parameter, or not with that value.
    """
    if name in available():
        return available()[name]
    return _variant(name) if split_variant(name)[1] else _elsewhere(name)


@functools.cache
def _variant(name: str) -> DataSet:
    plain = find(split_variant(name)[0])
    if plain.name not in available() and split_variant(name)[0].partition(":")[0] in available():
        raise ValueError(f"a data set must be like {plain}:name=value, got {name!r}")
    found = plain.changed(**own_values(name, "a data set", "fashion_mnist:part=0.1"))
    return found if found.name == name else find(found.name)


@functools.cache
def _elsewhere(path: str) -> DataSet:
    from trainables.datasets.base import DataSet

    data: DataSet = part_registry.find(path, available(), DataSet, "data")
    return data.called(path)


def check(name: str) -> None:
    """Raises ValueError where there is no data set of a name, or the files that it is read from are not here or damaged."""
    _ = find(name).version


def reads_files(name: str) -> bool:
    """Whether a data set is one of the folder `images`, whose files may not be here; told without loading torch."""
    return (Path(__file__).parent / "images" / f"{split_variant(name)[0]}.py").exists()


def may_change(name: str) -> bool:
    """Whether a data set's points may be gone, or others, while the code of this project stays: those read from files, and somebody
    else's. Told without loading torch where nobody else's are installed or named.
    """
    if reads_files(name):
        return True
    if ":" not in split_variant(name)[0] and not part_registry.contributed_paths("datasets"):
        return False
    return not type(find(name)).__module__.startswith("trainables.")


def of_version(version: str, named: str = "") -> str | None:
    """Name of the data set that has a version; None where it is not here.

    Args:
        version: as rows say it.
        named: what their study calls its data, which may be a variant or an import path.
    """
    for name in (
        *available(),
        named,
        version.rsplit("-", 2)[0],
    ):  # a version of images begins with their name
        with contextlib.suppress(ValueError):  # no such part, or its files are not here
            if (name in available() or ":" in name) and find(name).has_version(version):
                return name
    return None


def sized(name: str, z_dim: int | None) -> DataSet:
    """The data set called `name`, for models whose codes have `z_dim` dimensions; None for its own.

    Raises:
        ValueError: there is none, or it comes with networks or a second domain, which fix the dimensions of codes.
    """
    data = find(name)
    if z_dim is None or z_dim == data.z_dim:
        return data
    if data.known:
        raise ValueError(
            f"z_dim must be {data.z_dim} on {name}, which comes with its {', '.join(data.known)}, got {z_dim}"
        )
    if data.other:
        raise ValueError(
            f"z_dim must be {data.z_dim} on {name}, whose codes are points of a second domain, got {z_dim}"
        )
    return _resized(data, z_dim)


@functools.cache
def _resized(data: DataSet, z_dim: int) -> DataSet:
    changed = copy.copy(data)
    vars(changed)["z_dim"] = z_dim
    return changed
