"""Dimensions of a search space that are not a list of levels: ranges, and what depends on another choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from result_names import exact


@final
@dataclass(frozen=True)
class Float:
    """A real number in [low, high], uniform or log-uniform.

    Raises:
        ValueError: bounds are not finite or not in order, or log with low <= 0.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check(self.low, self.high, self.log)


@final
@dataclass(frozen=True)
class Int:
    """A whole number low, low + step, … <= high, uniform, or log-uniform with a step of 1.

    Raises:
        ValueError: bounds are not in order, step < 1, or log with low < 1 or a step.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        _check(self.low, self.high, self.log)
        if self.step < 1 or (self.log and self.step != 1):
            raise ValueError(f"step must be >= 1, and 1 with log, got {self.step}; leave it out")


@final
@dataclass(frozen=True)
class When:
    """A dimension that is searched only where another has one of some values; elsewhere it is fixed.

    Attributes:
        name: the other hyper-parameter, declared before this one.
        among: its values for which this one is searched.
        dimension: levels or a range.
        otherwise: the value elsewhere.
    """

    name: str
    among: tuple[Any, ...]
    dimension: Sequence[Any] | Float | Int
    otherwise: Any


Dimension = Sequence[Any] | Float | Int | When
Space = Mapping[str, Dimension]


def is_grid(space: Space) -> bool:
    """Whether every dimension is a list of levels."""
    return all(not isinstance(dimension, (Float, Int, When)) for dimension in space.values())


def check(space: Space) -> None:
    """Raises ValueError where a dimension depends on one that is not declared before it, or has no level."""
    before: set[str] = set()
    for name, dimension in space.items():
        if isinstance(dimension, When) and dimension.name not in before:
            raise ValueError(f"{name} depends on {dimension.name!r}, which must be declared before it")
        levels = dimension.dimension if isinstance(dimension, When) else dimension
        if not isinstance(levels, (Float, Int)) and not len(levels):
            raise ValueError(f"{name} must have at least one level, got none")
        before.add(name)


def _check(low: float, high: float, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"a range must be finite with low <= high, got [{low}, {high}]")
    if log and low <= 0:
        raise ValueError(f"a log-uniform range must have low > 0, got {low}")


def points(space: Space) -> list[dict[str, Any]]:
    """The full factorial of a grid, in declared order.

    Raises:
        ValueError: a dimension is a range, or depends on another.
    """
    if not is_grid(space):
        ranges = [name for name, dimension in space.items() if isinstance(dimension, (Float, Int, When))]
        raise ValueError(
            f"a grid needs levels, but {', '.join(ranges)} have ranges; add --search tpe or random"
        )
    levels = [
        tuple(dimension) for dimension in space.values() if not isinstance(dimension, (Float, Int, When))
    ]
    return [dict(zip(space, chosen, strict=True)) for chosen in itertools.product(*levels)]


def words(dimension: Dimension) -> tuple[str, ...]:
    """Levels of a dimension in words; a range is one word, such as `1e-05 to 0.01, log-uniform`."""
    if isinstance(dimension, When):
        where = f"where {dimension.name} is {' or '.join(map(_word, dimension.among))}"
        return (f"{', '.join(words(dimension.dimension))} {where}, else {_word(dimension.otherwise)}",)
    if isinstance(dimension, (Float, Int)):
        step = f" in steps of {dimension.step}" if isinstance(dimension, Int) and dimension.step > 1 else ""
        kind = ", log-uniform" if dimension.log else ""
        return (f"{_word(dimension.low)} to {_word(dimension.high)}{step}{kind}",)
    return tuple(map(_word, dimension))


def _word(value: object) -> str:
    return exact(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
