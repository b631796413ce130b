"""One column of matched runs: in how many it differs, to the bit and beyond a tolerance, and by how much at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.vocabulary import Floats

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """A column of both sides.

    Attributes:
        name: the column's.
        first, second: its values, [n] each, in the order of the matched runs.
        compared: runs in which one side at least has a value.
        unequal: runs in which it is not the same to the bit, [n].
        beyond: those of them in which it is further apart than the tolerance, or no number, [n].
    """

    name: str
    first: pa.Array
    second: pa.Array
    compared: int
    unequal: Mask
    beyond: Mask

    @property
    def largest(self) -> int | None:
        """Run with the largest difference relative to its values, one where a side has none before all; None where all are equal."""
        places = np.flatnonzero(self.unequal)
        if not len(places):
            return None
        return int(places[np.argmax(self._relative[places])])

    @property
    def absolute(self) -> float:
        """Largest difference of finite values; NaN where there is none."""
        return _most(self._absolute[self.unequal])

    @property
    def relative(self) -> float:
        """Largest difference of finite values, over the larger of the two; NaN where there is none."""
        relative = self._relative[self.unequal]
        return _most(relative[np.isfinite(relative)])

    @property
    def _absolute(self) -> Floats:
        if not numeric(self.first):
            return np.full(len(self.first), np.nan)
        return _apart(numbers(self.first), numbers(self.second))

    @property
    def _relative(self) -> Floats:
        """Relative differences; infinite between unequal values that are not both finite numbers."""
        if not numeric(self.first):
            return np.full(len(self.first), np.inf)
        return relative(numbers(self.first), numbers(self.second))


def compare(name: str, first: pa.Array, second: pa.Array, tolerance: float = 0.0) -> Cells:
    """Compares a column of both sides.

    Args:
        name: the column's.
        first, second: its values, [n] each, of one type.
        tolerance: to which numbers count as equal, relative to the larger of the two; 0 for the same bits. Whole numbers, texts, and
            a value against none, are equal or not.
    """
    there = np.array(pc.is_valid(first)), np.array(pc.is_valid(second))
    if pa.types.is_floating(first.type):
        values = numbers(first), numbers(second)
        unequal = values[0].view(np.int64) != values[1].view(np.int64)
        unequal &= ~(
            np.isnan(values[0]) & np.isnan(values[1])
        )  # a NaN has many bits; none is told from it by validity
        unequal |= there[0] != there[1]
        beyond = unequal & (relative(*values) > tolerance) if tolerance else unequal
    else:
        unequal = ~np.array(pc.fill_null(pc.equal(first, second), False)) & (there[0] | there[1])
        beyond = unequal
    return Cells(name, first, second, int(np.sum(there[0] | there[1])), unequal, beyond)


def numeric(values: pa.Array) -> bool:
    """Whether an array has numbers."""
    return pa.types.is_floating(values.type) or pa.types.is_integer(values.type)


def numbers(values: pa.Array) -> Floats:
    """Values as float64, [n]; NaN where there is none."""
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def relative(first: Floats, second: Floats) -> Floats:
    """Differences over the larger of the two, [n]; infinite where one of them is no finite number."""
    apart, scale = _apart(first, second), np.maximum(np.abs(first), np.abs(second))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(scale == 0, 0.0, apart / scale)
    return np.where(np.isfinite(apart), ratio, np.inf)


def _apart(first: Floats, second: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.abs(first - second)


def _most(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")
