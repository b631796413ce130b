"""Learning curves: median and quartiles against iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.document.blocks import SMALL, Block, Figure, Text
from analysis.document.style import Colours, legend, log_axis, panel_title, settings
from analysis.sections.base import Report, Section, better, crowded
from analysis.statistics.learning_curves import LearningCurve, learning_curve
from analysis.vocabulary import Floats, Measure
from analysis.words import label, shortened

_CAPTION = (
    "Median (line) and quartiles (band) over runs. A DIVERGED run counts as worst from the iteration at which it "
    "DIVERGED; where the median itself is such a run, the line ends. {better} A line that still moves at its right end has not been trained "
    "to its end."
)

_WIDEST = 11.5
"""Inches across the figure: a wider one has letters too small on a page."""


@final
class Learning(Section):
    """Curves of the headline metrics at the λ shown."""

    name, order, title = "learning", 170, "Learning curves"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if not report.few:
            yield Text(crowded(study), SMALL)
        elif study.curves.empty:
            yield Text("No learning curves are stored for these runs.")
        else:
            measures = study.headline
            keys = [(m, a, lam) for m in measures for a in study.algorithms for lam in report.shown]
            curves = {(m.column, a, lam): learning_curve(study, a, lam, m) for m, a, lam in keys}
            yield Figure(
                "learning",
                learning_figure(curves, measures, report.shown, report.colours),
                _CAPTION.format(better=better(measures)),
            )


def learning_figure(curves: dict[tuple[str, str, float], LearningCurve], measures: Sequence[Measure], lambdas: list[float],
                    colour: Colours) -> matplotlib.figure.Figure:  # fmt: skip
    """One row per measure, one column per λ (side by side for a single λ): median, quartiles, iteration.

    Args:
        curves: (metric column, algorithm, λ) -> its curve.
        measures: those to draw.
        lambdas: those to draw.
        colour: algorithms to draw -> their colours.
    """
    with settings():
        single, many = len(lambdas) == 1, len(measures)
        size = (9.5, 3.4) if single else (min(2.7 * len(lambdas), _WIDEST), 2.5 * many)
        words = shortened(lambdas)
        figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
        shape = (1, many) if single else (many, len(lambdas))
        panels = figure.subplots(
            *shape, squeeze=False, sharex=True, sharey=False if single else "row"
        ).reshape(many, -1)
        for row, measure in enumerate(measures):
            shown = [curves[measure.column, a, lam] for a in colour for lam in lambdas]
            finite = _finite(np.concatenate([v for c in shown for v in (c.low, c.median, c.high)]))
            for column, lam in enumerate(lambdas):
                panel = panels[row][column]
                for algorithm, shade in colour.items():
                    _curve(panel, curves[measure.column, algorithm, lam], shade, finite)
                if measure.ratio:
                    log_axis(panel, "y")
                if single or row == 0:
                    panel_title(panel, f"λ = {words[lam]}")
                if single or row == many - 1:
                    panel.set_xlabel("iteration")
                if column == 0:
                    panel.set_ylabel(measure.label)
        legend(figure, [Line2D([], [], color=c) for c in colour.values()], list(map(label, colour)))
    return figure


def _curve(panel: Axes, curve: LearningCurve, shade: str, finite: Floats) -> None:
    if not len(curve.iterations) or not len(finite):
        return
    # A quartile that is a DIVERGED run is infinite: its band runs to the edge of what is drawn.
    low, high = (np.clip(v, finite.min(), finite.max()) for v in (curve.low, curve.high))
    median = np.where(np.isfinite(curve.median), curve.median, np.nan)
    panel.fill_between(curve.iterations, low, high, color=shade, alpha=0.18, linewidth=0)
    panel.plot(curve.iterations, median, color=shade, linewidth=1.6, marker="o", markersize=3)


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]
