"""Figures of paired differences: only drawing, the numbers come from `comparison.paired`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.comparison.paired import Difference, Pairs, differences, one_sided
from analysis.document.style import INK, MUTED, Colours, empty_note, legend, log_axis, panel_title, settings
from analysis.statistics.histograms import symmetric_edges
from analysis.vocabulary import DRAWN, Floats, Measure
from analysis.words import label, number, shortened

_WIDEST = 11.0
"""Inches of the panels together: a wider figure has letters too small on a page."""


def paired_scatter_figure(
    pairs: Pairs, measures: list[Measure], lambdas: list[float], colour: Colours
) -> Figure:
    """One row per measure, one column per λ (side by side for a single λ), the same limits for every λ.

    The second algorithm is across, the first one up, one point per pair.

    Pairs with one DIVERGED side are ticks outside the panel: on top where the first diverged, right where the second.
    """
    with settings():
        single = len(lambdas) == 1
        high, wide = (1, len(measures)) if single else (len(measures), len(lambdas))
        size = 4.4 if single else min(3.2, _WIDEST / wide)
        figure = Figure(figsize=(size * wide + 0.6, (size + 0.8) * high), layout="constrained")
        panels = figure.subplots(high, wide, squeeze=False).reshape(len(measures), len(lambdas))
        words = shortened(lambdas)
        for row, measure in enumerate(measures):
            columns = [f"{measure.column}_first", f"{measure.column}_second"]
            limits = _limits(pairs.table[columns].to_numpy(float).ravel(), measure.log)
            for column, lam in enumerate(lambdas):
                panel = panels[row][column]
                _paired_scatter(panel, pairs, measure, lam, limits, colour)
                panel.set_title(f"λ = {words[lam]}", loc="left", fontweight="bold", fontsize=10, pad=12)
                if not single and column:  # as in the first column
                    panel.set_ylabel("")
                    panel.tick_params(which="both", labelleft=False)
    return figure


def _paired_scatter(
    panel: Axes, pairs: Pairs, measure: Measure, lam: float, limits: tuple[float, float], colour: Colours
) -> None:
    here = pairs.at(lam)
    name = measure.column
    first, second = here[f"{name}_first"].to_numpy(float), here[f"{name}_second"].to_numpy(float)
    panel.scatter(second, first, s=9, color=INK, alpha=0.35, linewidths=0, rasterized=len(here) > 1500)
    if measure.log:
        log_axis(panel, "x")
        log_axis(panel, "y")
    panel.plot(limits, limits, color=MUTED, linewidth=1, zorder=1)
    panel.set_xlim(*limits)
    panel.set_ylim(*limits)
    panel.set_box_aspect(1)
    # The first algorithm is up: it is better above the diagonal where larger is better, below it elsewhere.
    corners = {+1: (0.04, 0.96, "left", "top"), -1: (0.96, 0.04, "right", "bottom")}
    for algorithm, (x, y, ha, va) in (
        (pairs.first, corners[measure.better]),
        (pairs.second, corners[-measure.better]),
    ):
        panel.text(x, y, f"{label(algorithm)} better", color=colour[algorithm], ha=ha, va=va, fontsize=8.5,
                   fontweight="bold", transform=panel.transAxes)  # fmt: skip
    above, beside = one_sided(pairs.having(lam, measure), measure)
    if not np.any(np.isfinite(first) & np.isfinite(second)):
        empty_note(panel, "no pair of finite values")
    if len(above):
        panel.plot(above, np.full(len(above), 1.02), "|", color=colour[pairs.first], markersize=7, alpha=0.8,
                   transform=panel.get_xaxis_transform(), clip_on=False)  # fmt: skip
    if len(beside):
        panel.plot(np.full(len(beside), 1.02), beside, "_", color=colour[pairs.second], markersize=7, alpha=0.8,
                   transform=panel.get_yaxis_transform(), clip_on=False)  # fmt: skip
    panel.set_xlabel(f"{measure.name}, {label(pairs.second)}")
    panel.set_ylabel(f"{measure.name}, {label(pairs.first)}")


def _limits(values: Floats, log: bool) -> tuple[float, float]:
    values = values[np.isfinite(values) & (values > 0 if log else True)]
    values = np.clip(values, *DRAWN) if log else values
    if not len(values):
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        return low / 1.3, high * 1.3
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def difference_figure(pairs: Pairs, found: list[Difference], lambdas: list[float], colour: Colours) -> Figure:
    """One row per λ, one column per measure of `found`: the distribution of first − second over pairs.

    Bars wear the colour of the algorithm that they favour; the line and band are the difference that the verdict is on and
    its interval.
    """
    measures = list(dict.fromkeys(difference.measure for difference in found))
    with settings():
        figure = Figure(figsize=(3.5 * len(measures), 2.4 * len(lambdas) + 0.6), layout="constrained")
        panels = figure.subplots(len(lambdas), len(measures), squeeze=False)
        words = shortened(lambdas)
        for column, measure in enumerate(measures):
            everyone = differences(pairs.table, measure)["difference"].to_numpy(float)
            edges = symmetric_edges(everyone[np.isfinite(everyone)])
            for row, lam in enumerate(lambdas):
                match = next(d for d in found if d.measure == measure and d.lam == lam)
                _difference(panels[row][column], pairs, match, edges, colour, words[lam])
                if row == len(lambdas) - 1:
                    panels[row][column].set_xlabel(
                        f"{measure.label}: {label(pairs.first)} − {label(pairs.second)}"
                    )
                if column == 0:
                    panels[row][column].set_ylabel("pairs")
        sides = (pairs.first, pairs.second)
        handles = [Patch(facecolor=colour[name], alpha=0.6) for name in sides]
        legend(figure, handles, [f"{label(name)} better" for name in sides])
    return figure


def _difference(
    panel: Axes, pairs: Pairs, found: Difference, edges: Floats, colour: Colours, place: str
) -> None:
    values = differences(pairs.at(found.lam), found.measure)["difference"].to_numpy(float)
    values = values[np.isfinite(values)]
    for side in (-1, +1):
        favoured = pairs.first if side == found.measure.better else pairs.second
        counts = np.histogram(values[np.sign(values) == side], edges)[0]
        panel.stairs(counts, edges, fill=True, color=colour[favoured], alpha=0.6)
    panel.axvline(0, color=MUTED, linewidth=1)
    if len(values):
        middle = found.verdict.location.interval
        if not np.isnan(middle.low):
            low, high = np.clip([middle.low, middle.high], edges[0], edges[-1])
            panel.axvspan(low, high, color=INK, alpha=0.18, linewidth=0)
        if np.isfinite(middle.point):
            panel.axvline(middle.point, color=INK, linewidth=1.4)
    else:
        empty_note(panel, "no pair of finite values")
    panel.set_xlim(edges[0], edges[-1])
    panel.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    panel_title(panel, f"λ = {place}: {found.verdict.location.statistic} "
                       f"{number(found.verdict.location.interval.point, 2)}")  # fmt: skip
