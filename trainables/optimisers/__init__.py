"""Optimisers, a file each: found, not listed. Adding one is adding a file here, or in a repository of one's own (`part_registry`)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import part_registry

if TYPE_CHECKING:
    from trainables.optimisers.base import Optimiser


@functools.cache
def available() -> dict[str, Optimiser]:
    """Every optimiser by name, in alphabetical order."""
    from trainables.optimisers.base import Optimiser

    return part_registry.contributed(__name__, "optimisers", __path__, Optimiser)


@functools.cache
def find(name: str) -> Optimiser:
    """The optimiser called `name`, or at an import path module:Class, without values. Raises ValueError naming those there are."""
    from trainables.optimisers.base import Optimiser

    optimiser: Optimiser = part_registry.find(name, available(), Optimiser, "an optimiser")
    return optimiser
