"""What a search budget buys: the expected best of k runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import final

import matplotlib.figure
import numpy as np
from matplotlib.lines import Line2D

from analysis import rows
from analysis.document.blocks import SMALL, Block, Figure, Table, Text
from analysis.document.style import Colours, legend, log_axis, settings
from analysis.importance.best_of_k import BAND, BudgetCurve, budget_curve
from analysis.rows import Rows
from analysis.sections.base import Report, Section, better
from analysis.vocabulary import Measure
from analysis.words import label, listed, number
from result_names import exact

_BUDGET = (
    "Expected best of k runs drawn at random from those trained (Lucic et al. 2018; Dodge et al. 2019), and the {low:.0%} and "
    "{high:.0%} quantiles of that best. Device-seconds: k times the mean training time of a run. A DIVERGED run counts as "
    "the worst value of any system at its λ, and with its time."
)
_CAPTION = (
    "Expected best of k runs at λ = {lam}, with its band. {better} A curve that is level from the left on needs no search; where two cross, "
    "the budget decides which system is better."
)
_STEPS = (1, 4, 16, 64, 256)
"""Budgets in the table."""


@final
class BestOfK(Section):
    """The best of k runs against k at the λ shown; nothing where a sampler chose the configurations."""

    name, order, title = "best_of_k", 210, "What a search buys"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if study.manifest.searched:
            return
        yield Text(_BUDGET.format(low=BAND[0], high=BAND[1]), SMALL)
        cells: list[list[str]] = []
        for lam in report.shown:
            curves = {measure: _curves(study, lam, measure) for measure in study.headline}
            if not any(curves.values()):
                names = listed([m.label for m in study.headline], "or")
                yield Text(f"Nothing at λ = {exact(lam)}: no run has a finite {names}.", SMALL)
                continue
            curves = {measure: own for measure, own in curves.items() if own}
            if report.few:
                figure = budget_figure(curves, report.colours)
                yield Figure(
                    f"budget_lambda_{exact(lam)}",
                    figure,
                    _CAPTION.format(lam=exact(lam), better=better(list(curves))),
                )
            for measure, own in curves.items():
                cells += _lines(study, lam, measure, own)
        yield Table(
            ["λ", "system", "expected best", *(f"k = {k}" for k in _STEPS), "device-seconds a run"], cells, 3
        )


def _lines(study: Rows, lam: float, measure: Measure, own: Mapping[str, BudgetCurve]) -> Iterator[list[str]]:
    """A line per system that has the metric, those of which every run DIVERGED last."""
    for algorithm, curve in own.items():
        expected = dict(zip(curve.runs, curve.expected, strict=True))
        values = [number(expected[k]) if k in expected else "–" for k in _STEPS]
        yield [exact(lam), label(algorithm), measure.label, *values, number(curve.seconds[0])]
    for algorithm in sorted(study.having(measure.column) - set(own)):
        results = rows.results(study.group(algorithm, lam))
        if len(results):
            values = ["DIVERGED" if k <= len(results) else "–" for k in _STEPS]
            yield [
                exact(lam),
                label(algorithm),
                measure.label,
                *values,
                number(results["train_seconds"].mean()),
            ]


def _curves(study: Rows, lam: float, measure: Measure) -> dict[str, BudgetCurve]:
    found = {name: budget_curve(study, name, lam, measure, _STEPS) for name in study.algorithms}
    return {name: curve for name, curve in found.items() if curve is not None}


def budget_figure(
    curves: Mapping[Measure, Mapping[str, BudgetCurve]], colour: Colours
) -> matplotlib.figure.Figure:
    """Two panels per metric: the best of k against k and against device-seconds (log axes), with its band."""
    with settings():
        figure = matplotlib.figure.Figure(figsize=(10.5, 2.9 * len(curves)), layout="constrained")
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
