"""Objectives, one file each: found, not listed. Adding one is adding a file here, or in a repository of one's own (`part_registry`).

A module of this package that defines a concrete `Objective` adds it under its `name`. They are loaded when one is
asked for, and torch with them.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from part_registry import contributed, imported
from result_names import own_values, split_variant
from trainables import datasets
from trainables.models.spec import EXPLICIT_DECODER, Form

if TYPE_CHECKING:
    from trainables.objectives.base import Objective


@functools.cache
def available() -> dict[str, Objective]:
    """Every objective by name, in alphabetical order."""
    from trainables.objectives.base import Objective

    return contributed(__name__, "objectives", __path__, Objective)


@functools.cache
def find(name: str) -> Objective:
    """The objective called `name`.

    Args:
        name: such as aavae; aavae:temperature=3 with values of hyper-parameters of its own; or the import path of a class in
            a repository of one's own, my_losses:Hinge.

    Raises:
        ValueError: there is none, naming those there are; or it has no such hyper-parameter, or not with that value.
    """
    from trainables.objectives.base import Objective

    plain, words = split_variant(name)
    if not words and plain in available():
        return available()[plain]
    if ":" not in plain and plain not in available():
        raise ValueError(
            f"algorithm must be one of {', '.join(available())}, or an import path module:Class, got {name!r}"
        )
    if (known := plain.partition(":")[0]) in available() and known != plain:
        raise ValueError(f"hyper-parameters of {known}'s own must be like {known}:name=value, got {name!r}")
    kind = imported(plain, Objective) if ":" in plain else type(available()[plain])
    found: Objective = kind(**own_values(name))
    return found.called(plain)


def trainable(data: str) -> tuple[str, ...]:
    """Names of the objectives that can be trained on a data set. Raises ValueError where there is no such data set."""
    datasets.find(data)
    names = []
    for name in available():
        with contextlib.suppress(ValueError):
            check(name, data)
            names.append(name)
    return tuple(names)


def check(name: str, data: str) -> None:
    """Raises ValueError where there is no such objective or data set, or the objective cannot be trained on the data:
    they lack its labels, or some of them, or a second domain, or have one in place of the prior that it needs, or come with a network
    that it has not, or it says so itself.
    """
    form, on = find(name).form, datasets.find(data)
    if form.conditional and not on.classes:
        labelled = ", ".join(other for other, found in datasets.available().items() if found.classes)
        raise ValueError(f"{name} needs data with labels ({labelled}), got {data}")
    if form.conditional and on.labelled < 1 and "classifier" not in form.networks:
        able = ", ".join(other for other, found in available().items() if "classifier" in found.form.networks)
        raise ValueError(f"{name} needs a label for every point, got {data}, where {on.labelled:.0%} have one: "
                         f"take a system with a classifier for the others ({able})")  # fmt: skip
    if form.shared and not on.alike:
        able = ", ".join(other for other, found in datasets.available().items() if found.alike)
        raise ValueError(
            f"{name} needs data of two domains of one shape and the same classes ({able}), got {data}"
        )
    if on.other and find(name).has_bound:
        raise ValueError(
            f"{name} needs a density of its codes, got {data}, where they are points of a second domain"
        )
    if reason := find(name).refusal(on):
        raise ValueError(f"{name} {reason}, got {data}")
    if "decoder" in on.known and not _infers(form):
        able = ", ".join(other for other, found in available().items() if _infers(found.form))
        raise ValueError(f"p(x|z) of {data} is known and not trained: systems on it infer z given an explicit decoder "
                         f"of z alone ({able}), got {name}")  # fmt: skip


def _infers(form: Form) -> bool:
    return "encoder" in form.networks and form.networks["decoder"] == EXPLICIT_DECODER
