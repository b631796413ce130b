"""Finds parts: what this package's modules define, what installed packages contribute, and what is named by its import path.

One file is one thing, and nothing is listed by hand. A package of somebody else contributes in its pyproject.toml:

    [project.entry-points."generative_robustness.objectives"]
    hinge = "my_package.losses:Hinge"
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any


def instances(package: str, path: Iterable[str], kind: Any) -> dict[str, Any]:
    """An instance of each subclass of `kind` with a `name` that a module of the package defines, by that name.

    Args:
        package: dotted name.
        path: folders of its modules.
        kind: a class; subclasses without a name of their own are what others are made of.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(path, prefix=f"{package}."):
        own: Any
        for _, own in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(own, kind) and own.__module__ == module.name and "name" in vars(own):
                found[own.name] = own()
    return dict(sorted(found.items()))


def contributed(package: str, group: str, path: Iterable[str], kind: Any) -> dict[str, Any]:
    """`instances`, and one of each class that an installed package contributes to a group, such as objectives.

    Raises:
        ValueError: a class cannot be imported or is of another kind, or two have one name.
    """
    found = instances(package, path, kind)
    for place in contributed_paths(group):
        one = imported(place, kind)()
        if (other := found.get(one.name)) and type(other) is not type(one):
            there = f"{type(other).__module__}:{type(other).__name__}"
            raise ValueError(
                f"a name must be of one class of {group}, got {one.name!r} of {there} and of {place}; rename one of them"
            )
        found[one.name] = one
    return dict(sorted(found.items()))


def contributed_paths(group: str) -> list[str]:
    """Import paths that installed packages contribute to a group."""
    return [point.value for point in entry_points(group=f"generative_robustness.{group}")]


def imported(path: str, kind: Any) -> Any:
    """The class at an import path, module:Class.

    Raises:
        ValueError: there is none that can be imported, or it is no concrete class of the kind with a name.
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever somebody else's module raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path} must be a class that can be imported, as module:Class, but is none ({reason}); its folder must be on "
                         "PYTHONPATH, or its package installed, here and on every node") from error  # fmt: skip
    if not (
        inspect.isclass(found) and issubclass(found, kind) and not inspect.isabstract(found)
    ) or not hasattr(found, "name"):
        raise ValueError(
            f"{path} must be a subclass of {kind.__module__}:{kind.__name__} with a name and nothing abstract, got {found!r}"
        )
    return found


def find(name: str, available: Mapping[str, Any], kind: Any, what: str) -> Any:
    """The part of a name among those available, or an instance of the class at its import path.

    Raises:
        ValueError: there is none, naming those there are and the nearest.
    """
    if name in available:
        return available[name]
    if ":" in name:
        found = imported(name, kind)()
        found.name = name  # rows and manifests say where it is found
        return found
    near = difflib.get_close_matches(name, available, n=1)
    raise ValueError(
        f"{what} must be one of {', '.join(available)}, or an import path module:Class, got {name!r}"
        + (f"; did you mean {near[0]}?" if near else "")
    )
