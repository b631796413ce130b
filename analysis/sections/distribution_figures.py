"""Figures of distributions over configurations: only drawing, the numbers come from `histograms` and `paired`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.comparison.paired import Difference, Pairs, differences, one_sided
from analysis.document.style import INK, MUTED, Colours, empty_note, legend, log_axis, panel_title, settings
from analysis.statistics.histograms import Histograms, symmetric_edges
from analysis.vocabulary import DRAWN, Floats, Measure
from analysis.words import label, number
from result_schema import exact


def histogram_figure(data: list[Histograms], lambdas: list[float], colour: Colours) -> Figure:
    """One row per λ, one column per measure; algorithms overlaid; DIVERGED apart at the right of each panel."""
    with settings():
        figure = Figure(figsize=(max(10.5, 5.25 * len(data)), 2.5 * len(lambdas) + 0.8), layout="constrained")
        widths = [10, 0.8 + 0.5 * len(colour)] * len(data)
        grid = figure.add_gridspec(len(lambdas), 2 * len(data), width_ratios=widths)
        for row, lam in enumerate(lambdas):
            for column, histogram in enumerate(data):
                panel = figure.add_subplot(grid[row, 2 * column])
                apart = figure.add_subplot(grid[row, 2 * column + 1], sharey=panel)
                _histogram(panel, histogram, lam, colour)
                _bin_apart(apart, histogram, lam, colour)
                panel_title(panel, f"λ = {exact(lam)}")
                if row == len(lambdas) - 1:
                    panel.set_xlabel(
                        histogram.measure.label + (" (log scale)" if histogram.measure.ratio else "")
                    )
                if column == 0:
                    panel.set_ylabel("share of runs (%)")
        legend(
            figure, [Patch(facecolor=shade, alpha=0.7) for shade in colour.values()], list(map(label, colour))
        )
    return figure


def _histogram(panel: Axes, data: Histograms, lam: float, colour: Colours) -> None:
    for name, shade in colour.items():
        shares = 100 * data.counts[name, lam].shares
        if len(colour) <= 2:  # more fills than two hide one another
            panel.stairs(shares, data.edges, fill=True, color=shade, alpha=0.28)
        panel.stairs(shares, data.edges, color=shade, linewidth=1.4)
    if data.measure.ratio:
        log_axis(panel, "x")
    if not any(data.counts[name, lam].counts.any() for name in colour):
        empty_note(panel)
    panel.set_xlim(data.edges[0], data.edges[-1])


def _bin_apart(panel: Axes, data: Histograms, lam: float, colour: Colours) -> None:
    for place, (name, shade) in enumerate(colour.items()):
        if not data.counts[name, lam].total:
            continue  # no system of this name has the metric here
        share = 100 * data.counts[name, lam].apart_share
        panel.bar(place, share, 0.8, color=shade, alpha=0.45, edgecolor=shade, linewidth=1.4)
        panel.annotate("100" if share == 100 else f"{share:.1f}", (place, share), (0, 2), textcoords="offset points", ha="center",
                       fontsize=7.5, color=INK, rotation="vertical" if len(colour) > 2 else "horizontal")  # fmt: skip
    infinite = any(data.counts[name, lam].infinite for name in colour)
    panel.set_xticks([(len(colour) - 1) / 2], ["DIVERGED, ∞" if infinite else "DIVERGED"], fontsize=8)
    panel.set_xlim(-0.8, len(colour) - 0.2)
    panel.tick_params(labelleft=False, left=False, bottom=False)
    panel.spines["left"].set_visible(False)
    panel.grid(visible=False)
    panel.set_facecolor("#f4f6f8")


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
        size = 4.4 if single else 3.2
        figure = Figure(figsize=(size * wide + 0.6, (size + 0.4) * high), layout="constrained")
        panels = figure.subplots(high, wide, squeeze=False).reshape(len(measures), len(lambdas))
        for row, measure in enumerate(measures):
            columns = [f"{measure.column}_first", f"{measure.column}_second"]
            limits = _limits(pairs.table[columns].to_numpy(float).ravel(), measure.log)
            for column, lam in enumerate(lambdas):
                _paired_scatter(panels[row][column], pairs, measure, lam, limits, colour)
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
    panel.set_title(f"λ = {exact(lam)}", loc="left", fontweight="bold", fontsize=10, pad=12)


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
        for column, measure in enumerate(measures):
            everyone = differences(pairs.table, measure)["difference"].to_numpy(float)
            edges = symmetric_edges(everyone[np.isfinite(everyone)])
            for row, lam in enumerate(lambdas):
                match = next(d for d in found if d.measure == measure and d.lam == lam)
                _difference(panels[row][column], pairs, match, edges, colour)
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


def _difference(panel: Axes, pairs: Pairs, found: Difference, edges: Floats, colour: Colours) -> None:
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
    panel_title(panel, f"λ = {exact(found.lam)}: {found.verdict.location.statistic} "
                       f"{number(found.verdict.location.interval.point, 2)}")  # fmt: skip
