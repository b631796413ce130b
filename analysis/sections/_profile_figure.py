"""Shares of configurations against how good they are, a panel per metric and λ: only drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.document.style import MUTED, Colours, empty_note, legend, log_axis, panel_title, settings
from analysis.fragility.results import Measured
from analysis.fragility.survival import Survival
from analysis.vocabulary import Floats, Measure
from analysis.words import label, shortened


class Curves(NamedTuple):
    """Curves of one panel.

    Attributes:
        x: [x] ascending.
        shares: algorithm -> [3, x]: the share of the configurations, and its band.
        mark: where a dotted line stands.
        log: whether x is on a logarithmic axis.
        axis: words of it.
    """

    x: Floats
    shares: Mapping[str, Floats]
    mark: float
    log: bool
    axis: str


Row = tuple[Measure, Mapping[float, Curves]]
"""A metric, and its curves by λ."""


def profile_figure(
    found: Sequence[Measured], measures: Sequence[Measure], lambdas: Sequence[float], colour: Colours
) -> Figure:
    """A row per measure and a panel per λ: share of the configurations that come as close to the best, with its band."""
    figure_rows = []
    for measure in measures:
        there: dict[float, Curves] = {}
        for m in found:
            if m.closeness.measure == measure and not m.best and len(lams := set(m.lams.values())) == 1:
                close = m.closeness
                one = Curves(
                    close.distances, m.found.profile, close.near, close.kind == "factor", close.axis()
                )
                there.setdefault(lams.pop(), one)
        figure_rows.append((measure, there))
    return _figure(figure_rows, lambdas, colour, "no two systems")


def survival_figure(found: Sequence[Survival], lambdas: Sequence[float], colour: Colours) -> Figure:
    """A row per limit and a panel per λ: share of the configurations that are at least as good as a value, with its band."""
    by_limit: dict[object, tuple[Measure, dict[float, Curves]]] = {}
    for one in found:
        word = "at least" if one.measure.better > 0 else "at most"
        curves = Curves(
            one.values, one.curves, one.limit.value, one.measure.log, f"{one.measure.name} {word}"
        )
        by_limit.setdefault(one.limit, (one.measure, {}))[1][one.lam] = curves
    return _figure(list(by_limit.values()), lambdas, colour, "too few configurations")


def _figure(figure_rows: Sequence[Row], lambdas: Sequence[float], colour: Colours, without: str) -> Figure:
    with settings():
        figure = Figure(figsize=(10.5, 0.5 + 2.5 * len(figure_rows)), layout="constrained")
        panels = figure.subplots(len(figure_rows), len(lambdas), squeeze=False, sharey="row", sharex="row")
        words = shortened(lambdas)
        for row, (measure, by_lambda) in zip(panels, figure_rows, strict=True):
            for panel, lam in zip(row, lambdas, strict=True):
                if lam in by_lambda:
                    _draw(panel, by_lambda[lam], colour)
                else:
                    empty_note(panel, without)
                panel_title(panel, f"λ = {words[lam]}")
                panel.set_ylim(0, 100)
            row[0].set_ylabel(f"{measure.name}\nconfigurations (%)")
        drawn = dict.fromkeys(
            name for _, by_lambda in figure_rows for curves in by_lambda.values() for name in curves.shares
        )
        handles = [Line2D([], [], color=colour[name], linewidth=1.6) for name in drawn]
        legend(figure, handles, list(map(label, drawn)))
    return figure


def _draw(panel: Axes, curves: Curves, colour: Colours) -> None:
    for algorithm, (share, low, high) in curves.shares.items():
        panel.plot(curves.x, 100 * share, color=colour[algorithm], linewidth=1.6)
        panel.fill_between(curves.x, 100 * low, 100 * high, color=colour[algorithm], alpha=0.18, linewidth=0)
    panel.axvline(curves.mark, color=MUTED, linewidth=0.8, linestyle=":")
    if curves.log:
        log_axis(panel, "x")
    panel.set_xlabel(curves.axis)
