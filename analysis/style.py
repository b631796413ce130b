"""How the report writes and colours things: labels, numbers, one colour-blind safe colour per algorithm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

from analysis.estimates import Interval
from analysis.stored_names import LABELS

Colours = dict[str, str]
"""Algorithm -> colour, in reading order."""

_labels: ContextVar[Mapping[str, str]] = ContextVar("labels", default=LABELS)

# Okabe and Ito's palette. The two systems that are usually compared differ most, also in grey.
_KNOWN = {"svae_r": "#0072B2", "alice": "#D55E00", "svae": "#56B4E9", "ali": "#E69F00"}
_OTHERS = ("#009E73", "#CC79A7", "#7A5195", "#666666", "#A6761D", "#000000")

_DEFAULTS = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}

INK, MUTED, GRID = "#1f2933", "#6b7785", "#e3e8ee"

_FONT = "DejaVu Sans"
_LONGEST = 36
"""Characters of a name beside an axis."""

RC = {
    "font.size": 9.5, "font.family": _FONT,
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "axes.titlesize": 10.5, "axes.titlecolor": INK,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.8,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "legend.frameon": False, "legend.fontsize": 9,
    "svg.hashsalt": "report",  # the same rows give the same file
}  # fmt: skip
"""Settings of our figures, on top of matplotlib's defaults."""


def settings() -> AbstractContextManager[None]:
    """Matplotlib's own defaults and RC, whatever the user's matplotlibrc says: every figure is drawn and saved under them."""
    return mpl.rc_context({**_DEFAULTS, **RC})


@contextmanager
def naming(labels: Mapping[str, str]) -> Iterator[None]:
    """What is written meanwhile calls algorithms by these labels (`result_schema.Manifest.labels`), then as stored studies do."""
    token = _labels.set({**LABELS, **labels})
    try:
        yield
    finally:
        _labels.reset(token)


def label(algorithm: str) -> str:
    """The algorithm's name as its paper writes it, with values of hyper-parameters of its own; its own name where none is known."""
    name, _, own = algorithm.partition(":")
    values = ", ".join(own.replace("=", " = ").split(","))
    return f"{_labels.get().get(name, name)} ({values})" if own else _labels.get().get(name, name)


def drawable(text: str) -> str:
    """The text as figures can draw it: `[U+540D]` in place of a character that their font lacks, and no mathematics."""
    drawn = "".join(c if ord(c) in _glyphs() or c.isspace() else f"[U+{ord(c):04X}]" for c in text)
    return drawn.replace("$", r"\$")


def tick_words(names: Sequence[str]) -> list[str]:
    """Names beside an axis, as far as they leave room for it."""
    return [drawable(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…") for name in names]


@cache
def _glyphs() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont(_FONT))
    return frozenset(font.get_charmap())


def colours(algorithms: list[str]) -> Colours:
    """Algorithm -> colour, the same for a known algorithm in every report."""
    others = [name for name in algorithms if name not in _KNOWN]
    return {
        name: _KNOWN[name] if name in _KNOWN else _OTHERS[others.index(name) % len(_OTHERS)]
        for name in algorithms
    }


def counted(count: int, noun: str) -> str:
    """A number of things in words: `1 run`, `1,152 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


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


DRAWN = (1e-100, 1e100)
"""Ends of what is drawn on a logarithmic axis: beyond them matplotlib's ticks leave the range of numbers."""


class _Minor(LogFormatterSciNotation):
    """Words between powers of ten: as few as the axis is long."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        assert self.axis is not None  # a formatter is asked by its axis
        low, high = sorted(self.axis.get_view_interval())
        digit = round(x / 10 ** math.floor(math.log10(x)))
        shown = (
            ()
            if high / low > 100
            else (3,)
            if high / low > 10
            else (2, 5)
            if high / low > 2
            else range(1, 11)
        )
        return str(super().__call__(x, pos)) if digit in shown else ""


def log_axis(panel: Axes, axis: str) -> None:
    """Makes the axis 'x' or 'y' logarithmic, where what is drawn by now has a positive value to show on it."""
    least, most = getattr(panel.dataLim, f"minpos{axis}"), getattr(panel.dataLim, f"{axis}max")
    if math.isfinite(least):
        extreme = least < DRAWN[0] or most > DRAWN[1]
        if extreme:
            panel.set(**{f"{axis}margin": 0})
        panel.set(**{f"{axis}scale": "log"})
        if extreme:
            panel.set(**{f"{axis}lim": (max(least, DRAWN[0]), min(most, DRAWN[1]))})
        getattr(panel, f"{axis}axis").set_minor_formatter(
            _Minor(labelOnlyBase=False, minor_thresholds=(math.inf, math.inf))
        )


def legend(figure: Figure, handles: Sequence[Any], words: Sequence[str], columns: int = 0) -> None:
    """A legend above the panels, in so many columns or one line; of any words, also those that begin with an underscore."""
    box = figure.legend(
        handles, ["·"] * len(words), loc="outside upper center", ncols=columns or max(1, len(words))
    )
    for text, word in zip(box.get_texts(), words, strict=True):
        text.set_text(word)


def empty_note(panel: Axes, words: str = "no finite value") -> None:
    """Says in the middle of a panel why there is nothing in it."""
    panel.text(0.5, 0.5, words, ha="center", va="center", color=MUTED, transform=panel.transAxes)


def panel_title(axes: Axes, text: str) -> None:
    """A panel's title, at its left edge."""
    axes.set_title(text, loc="left", fontweight="bold", fontsize=10)
