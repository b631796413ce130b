"""Figures of what moves a metric and of what a search budget buys: only drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.document.style import (
    GRID,
    INK,
    MUTED,
    Colours,
    legend,
    log_axis,
    panel_title,
    settings,
    tick_words,
)
from analysis.importance.best_of_k import BudgetCurve
from analysis.importance.effects import Effect
from analysis.vocabulary import Measure
from analysis.words import label

_SHADES = {0: GRID, 1: INK, 2: MUTED}
"""Of the residual, of main effects and of interactions, by the number of factors."""

_LINE = "#D55E00"
"""Of intervals, on any shade."""

_LARGEST = 12
"""Terms drawn of each metric."""


def effect_figure(found: Mapping[Measure, Sequence[Effect]]) -> Figure:
    """A panel per metric: shares of the largest terms as bars, interactions and the residual lighter, main effects with p > 0.05 hollow; intervals as lines."""
    with settings():
        figure = Figure(figsize=(10.5, 3.6), layout="constrained")
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        for panel, (measure, effects) in zip(panels, found.items(), strict=True):
            shown = list(effects[:_LARGEST])[::-1]
            for place, effect in enumerate(shown):
                shade = _SHADES[len(effect.term)]
                panel.barh(
                    place, 100 * effect.share, color="none" if effect.p > 0.05 else shade, edgecolor=shade
                )
                ends = [100 * effect.interval.low, 100 * effect.interval.high]  # NaN is not drawn
                panel.plot(ends, [place, place], color=_LINE, linewidth=1.2, solid_capstyle="butt")
            panel.set_yticks(range(len(shown)), tick_words([term_label(effect.term) for effect in shown]))
            panel.set_xlabel("share of the variance of ranks (%)")
            panel_title(panel, measure.label)
        return figure


def term_label(term: Sequence[str]) -> str:
    """A term in words: its factors, λ as λ, joined by ×; of none, the residual."""
    if not term:
        return "residual"
    return " × ".join("λ" if name == "lam" else name for name in term)


def budget_figure(curves: Mapping[Measure, Mapping[str, BudgetCurve]], colour: Colours) -> Figure:
    """Two panels per metric: the best of k against k and against device-seconds (log axes), with its band."""
    with settings():
        figure = Figure(figsize=(10.5, 2.9 * len(curves)), layout="constrained")
        panels = figure.subplots(len(curves), 2, squeeze=False, sharey="row")
        for row, (measure, own) in zip(panels, curves.items(), strict=True):
            for panel, axis in zip(row, ("runs", "device-seconds"), strict=True):
                for algorithm, curve in own.items():
                    x = curve.runs if axis == "runs" else curve.seconds
                    marker = "o" if len(x) == 1 else None  # a line of one point shows nothing
                    panel.plot(x, curve.expected, color=colour[algorithm], linewidth=1.6, marker=marker)
                    panel.fill_between(
                        x, curve.low, curve.high, color=colour[algorithm], alpha=0.15, linewidth=0
                    )
                log_axis(panel, "x")
                panel.set_xlabel(f"{axis} (log scale)")
                ends = np.concatenate([end for c in own.values() for end in (c.low, c.high)])
                if measure.ratio and 0 < ends.min() < ends.max():
                    log_axis(panel, "y")
            row[0].set_ylabel(f"best {measure.label}")
        shown = [name for name in colour if any(name in own for own in curves.values())]
        legend(
            figure,
            [Line2D([], [], color=colour[name], linewidth=1.6) for name in shown],
            list(map(label, shown)),
        )
    return figure
