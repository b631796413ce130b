"""Objectives, one file each: found, not listed. Adding one is adding a file here.

A module of this package that defines a concrete `Objective` adds it under its `name`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from trainables.objectives.base import Objective

__all__ = ["Objective", "available", "find"]


@functools.cache
def available() -> dict[str, Objective]:
    """Every objective by name, in alphabetical order."""
    found: dict[str, Objective] = {}
    for module in pkgutil.iter_modules(__path__, prefix=f"{__name__}."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if (
                issubclass(kind, Objective)
                and not inspect.isabstract(kind)
                and kind.__module__ == module.name
            ):
                found[kind.name] = kind()
    return dict(sorted(found.items()))


def find(name: str) -> Objective:
    """The objective called `name`. Raises ValueError, naming those there are."""
    if name not in available():
        raise ValueError(f"algorithm must be one of {', '.join(available())}, got {name!r}")
    return available()[name]
