"""Histograms of the headline metrics over configurations, as in figure 3 of the sVAE paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import matplotlib.figure
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.document.blocks import SMALL, Block, Figure, Text
from analysis.document.style import INK, Colours, empty_note, legend, log_axis, panel_title, settings
from analysis.sections.base import Report, Section, better, crowded
from analysis.statistics.histograms import Histograms, histograms
from analysis.words import capital, label, listed, shortened

_CAPTION = (
    "{metrics} over configurations. Bin edges are the same for every system and λ. "
    "Shares are of COMPLETED and DIVERGED runs together; the DIVERGED ones have the bin apart, in per cent. {better} A narrow peak there is "
    "a system that does not need its hyper-parameters tuned; a long tail is one that does."
)


@final
class Distributions(Section):
    """One figure of all systems, or why there is none."""

    name, order, title = "histograms", 90, "Histograms"

    def blocks(self, report: Report) -> Iterator[Block]:
        if not report.few:
            yield Text(crowded(report.study), SMALL)
            return
        data = [histograms(report.study, measure) for measure in report.study.headline]
        metrics = listed([f"{one.measure.label}{' (log axis)' * one.measure.ratio}" for one in data])
        figure = histogram_figure(data, report.shown, report.colours)
        yield Figure(
            "histograms",
            figure,
            _CAPTION.format(metrics=capital(metrics), better=better(report.study.headline)),
        )


def histogram_figure(
    data: Sequence[Histograms], lambdas: list[float], colour: Colours
) -> matplotlib.figure.Figure:
    """One row per λ, one column per measure; algorithms overlaid; DIVERGED apart at the right of each panel."""
    with settings():
        figure = matplotlib.figure.Figure(
            figsize=(max(10.5, 5.25 * len(data)), 2.5 * len(lambdas) + 0.8), layout="constrained"
        )
        widths = [10, 0.8 + 0.5 * len(colour)] * len(data)
        grid = figure.add_gridspec(len(lambdas), 2 * len(data), width_ratios=widths)
        words = shortened(lambdas)
        for row, lam in enumerate(lambdas):
            for column, histogram in enumerate(data):
                panel = figure.add_subplot(grid[row, 2 * column])
                apart = figure.add_subplot(grid[row, 2 * column + 1], sharey=panel)
                _histogram(panel, histogram, lam, colour)
                _bin_apart(apart, histogram, lam, colour)
                panel_title(panel, f"λ = {words[lam]}")
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
