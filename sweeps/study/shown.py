"""Parts of a manifest for display: colours of algorithms, hyper-parameters in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from result_colours import colours
from result_names import in_reading_order
from sweeps.study.space import Space, words
from trainables.parameters import Parameter, declared

if TYPE_CHECKING:
    from trainables.objectives.base import Objective

Levels = Mapping[str, tuple[str, ...]]
"""Hyper-parameter -> its levels in words, a range as one."""


def colours_of(used: Sequence[Objective], known: Mapping[str, str]) -> dict[str, str]:
    """Algorithm -> colour, of those that have one already and those that are used: as its class declares it, or of its own.

    Args:
        used: algorithms; one with other than the default values of its hyper-parameters is another, beside its default.
        known: algorithm -> colour, which stays.
    """
    own = {one.name: one.colour for one in used if one.colour and one.name == one.plain}
    return colours((*known, *in_reading_order({one.name for one in used})), {**own, **known})


def descriptions_of(
    columns: Mapping[str, Parameter], used: Iterable[Objective], space: Space
) -> dict[str, str]:
    """Hyper-parameter -> what it is, of those of configurations and those of algorithms that a space varies."""
    own = {name: p for one in used for name, p in declared(type(one)).items() if name in space}
    return {name: p.description for name, p in {**columns, **own}.items() if p.description}


def levels_of(space: Space, known: Levels) -> dict[str, tuple[str, ...]]:
    """The levels of a space, after those that are known."""
    now = {name: words(dimension) for name, dimension in space.items()}
    return {
        name: tuple(dict.fromkeys((*known.get(name, ()), *now.get(name, ())))) for name in {**known, **now}
    }
