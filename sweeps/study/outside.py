"""Parts of a study that are somebody else's: every node that trains must have them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

from result_names import split_variant
from sweeps.study.declaration import Study
from trainables.configurations import NAMED, levels_of

Parts = Sequence[tuple[str, str]]
"""(kind, name) of parts: the folder of trainables that finds them, and what a study calls them."""


def of(study: Study, algorithms: Iterable[str]) -> Parts:
    """The parts that a study names and this project does not have."""
    named = [("objectives", split_variant(algorithm)[0]) for algorithm in algorithms]
    named += [("datasets", study.data), *(("metrics", path) for path in study.metrics)]
    for what, parameter in NAMED.items():
        levels = levels_of(what, study.space[what]) if what in study.space else ()
        named += [(parameter.rule["part"], str(level)) for level in levels]
    return [
        part for part in dict.fromkeys(named) if not type(found(*part)).__module__.startswith("trainables.")
    ]


def found(kind: str, name: str) -> Any:
    """The part. Raises ValueError where there is none."""
    return importlib.import_module(f"trainables.{kind}").find(name)


def missing(parts: Parts) -> str:
    """Why a process that calls it does not find one of the parts; '' where it finds all."""
    for kind, name in parts:
        try:
            found(kind, name)
        except ValueError as error:
            return str(error)
    return ""
