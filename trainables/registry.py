"""Finds what a package's modules define: one file is one thing, and nothing is listed by hand."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
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
