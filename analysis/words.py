"""How the report writes things: names of systems, numbers, intervals, p values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from analysis.stored_names import LABELS
from result_names import exact, split_variant

if TYPE_CHECKING:
    from analysis.statistics.estimates import Interval

_LONGEST = 8
"""Characters of a number that is short."""

_labels: ContextVar[Mapping[str, str]] = ContextVar("labels", default=LABELS)


@contextmanager
def naming(labels: Mapping[str, str]) -> Iterator[None]:
    """What is written meanwhile calls algorithms by these labels (`result_manifest.Manifest.labels`), then as stored studies do."""
    token = _labels.set({**LABELS, **labels})
    try:
        yield
    finally:
        _labels.reset(token)


def label(algorithm: str) -> str:
    """The algorithm's name as its paper writes it, with values of hyper-parameters of its own; its own name where none is known."""
    name, own = split_variant(algorithm)
    values = ", ".join(own.replace("=", " = ").split(","))
    return f"{_labels.get().get(name, name)} ({values})" if own else _labels.get().get(name, name)


def shortened(numbers: Sequence[float]) -> dict[float, str]:
    """Declared numbers, such as a study's λ: each exactly where that is short, else in as few digits as tell it from the others."""
    long = [value for value in numbers if len(exact(value)) > _LONGEST]
    for digits in range(3, 17):
        words = {value: f"{value:.{digits}g}" if value in long else exact(value) for value in numbers}
        if len(set(words.values())) == len(words):
            return words
    return {value: exact(value) for value in numbers}


def counted(count: int, noun: str) -> str:
    """A number of things in words: `1 run`, `1,152 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a sentence lists them: `a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def capital(text: str) -> str:
    """The text as it begins a line."""
    return text[:1].upper() + text[1:]


def number(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, with a true minus sign; an en dash for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and 10**-4 <= abs(value) < 10**5:
        decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
        return f"{value:.{decimals}f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def bounded(interval: Interval, digits: int = 3) -> str:
    """`point [low, high]`; the point alone where there is no interval."""
    point, low, high = (number(value, digits) for value in (interval.point, interval.low, interval.high))
    return point if math.isnan(interval.low) else f"{point} [{low}, {high}]"


def percent(interval: Interval) -> str:
    """A share as `12.3 % [10.1, 14.9]`."""
    if math.isnan(interval.point):
        return "–"
    return f"{100 * interval.point:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def p_value(p: float) -> str:
    """A p value to two digits; very small ones as a bound."""
    if math.isnan(p):
        return "–"
    return "< 1e−10" if p < 1e-10 else number(p, 2)
