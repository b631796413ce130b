"""How the report draws and colours things: matplotlib's settings, one colour-blind safe colour per algorithm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator

from analysis.vocabulary import DRAWN
from result_colours import colours as colours
from result_mosaics import Mosaic

Colours = dict[str, str]
"""Algorithm -> colour, in reading order."""

_DEFAULTS = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}

INK, MUTED, GRID = "#1f2933", "#6b7785", "#e3e8ee"

_FONT = "DejaVu Sans"
_LONGEST = 36
"""Characters of a name beside an axis."""

_HANDLE, _LETTER = 0.55, 0.075
"""Inches of a legend's line with its margins, and of a letter."""

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


class _MinorTicks(LogLocator):
    """Ticks between powers of ten, as few as the axis is long: none over more than two decades."""

    def __call__(self) -> Any:
        assert self.axis is not None  # a locator is asked by its axis
        low, high = sorted(self.axis.get_view_interval())
        ratio = high / low
        self.set_params(subs=(3.0,) if ratio > 10 else (2.0, 5.0) if ratio > 2 else range(2, 10))
        return super().__call__() if ratio <= 100 else []


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
        own = getattr(panel, f"{axis}axis")
        own.set_minor_locator(_MinorTicks())
        own.set_minor_formatter(
            LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(math.inf, math.inf))
        )


def legend(figure: Figure, handles: Sequence[Any], words: Sequence[str], columns: int = 0) -> None:
    """A legend above the panels, in so many columns or as many as fit; of any words, also those that begin with an underscore."""
    box = figure.legend(
        handles, ["·"] * len(words), loc="outside upper center", ncols=columns or _fitting(figure, words)
    )
    for text, word in zip(box.get_texts(), words, strict=True):
        text.set_text(word)


def _fitting(figure: Figure, words: Sequence[str]) -> int:
    """Columns of a legend that are no wider than the figure, as even as can be."""
    column = _HANDLE + _LETTER * max(map(len, words), default=0)
    most = max(1, int(figure.get_figwidth() / column))
    lines = max(1, -(-len(words) // most))
    return max(1, -(-len(words) // lines))


def empty_note(panel: Axes, words: str = "no finite value") -> None:
    """Says in the middle of a panel why there is nothing in it."""
    panel.text(0.5, 0.5, words, ha="center", va="center", color=MUTED, transform=panel.transAxes)


def mosaic_panel(panel: Axes, mosaic: Mosaic) -> None:
    """Draws a mosaic without smoothing, in vector files with the pixels that it has."""
    panel.imshow(mosaic, interpolation="none")
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    panel.spines[:].set_visible(False)


def panel_title(axes: Axes, text: str) -> None:
    """A panel's title, at its left edge."""
    axes.set_title(text, loc="left", fontweight="bold", fontsize=10)
