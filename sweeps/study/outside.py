"""Parts of a study that are somebody else's, or read from files: every node that trains must have them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

from result_names import split_variant
from sweeps.study.declaration import Study
from trainables import datasets
from trainables.configurations import NAMED, levels_of
from trainables.datasets.files import root

Parts = Sequence[tuple[str, str, str]]
"""(kind, name, version) of parts: the folder of trainables that finds them, what a study calls them, and of data their version here."""


def of(study: Study, algorithms: Iterable[str]) -> Parts:
    """The parts that a study names and this project does not have, and its data where they are read from files."""
    named = [("objectives", split_variant(algorithm)[0]) for algorithm in algorithms]
    named += [("datasets", study.data), *(("metrics", path) for path in study.metrics)]
    for what, parameter in NAMED.items():
        levels = levels_of(what, study.space[what]) if what in study.space else ()
        named += [(parameter.rule["part"], str(level)) for level in levels]
    needed = []
    for kind, name in dict.fromkeys(named):
        part = found(kind, name)
        version = part.version if kind == "datasets" else ""
        from_files = kind == "datasets" and datasets.reads_files(name)
        if from_files or not type(part).__module__.startswith("trainables."):
            needed.append((kind, name, version))
    return needed


def found(kind: str, name: str) -> Any:
    """The part. Raises ValueError where there is none."""
    return importlib.import_module(f"trainables.{kind}").find(name)


def missing(parts: Parts, data_dir: str | None = None) -> str:
    """Why a process that calls it does not find one of the parts; '' where it finds all.

    Args:
        parts: to find.
        data_dir: the folder that image data are looked for in; None for the process's own.
    """
    with root.using(data_dir):
        for kind, name, version in parts:
            try:
                part = found(kind, name)
                if version and part.version != version:
                    return f"{name} must be of version {version}, got {part.version}"
            except ValueError as error:
                return str(error)
    return ""
