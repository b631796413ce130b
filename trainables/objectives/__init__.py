"""Objectives, one file each: found, not listed. Adding one is adding a file here.

A module of this package that defines a concrete `Objective` adds it under its `name`.
"""

from __future__ import annotations

import functools

from trainables.found import instances
from trainables.objectives.base import Objective

__all__ = ["Objective", "available", "find"]


@functools.cache
def available() -> dict[str, Objective]:
    """Every objective by name, in alphabetical order."""
    return instances(__name__, __path__, Objective)


def find(name: str) -> Objective:
    """The objective called `name`. Raises ValueError, naming those there are."""
    if name not in available():
        raise ValueError(f"algorithm must be one of {', '.join(available())}, got {name!r}")
    return available()[name]
