"""Figures of a search's course and of successive halving: only drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.document.style import INK, MUTED, Colours, legend, log_axis, panel_title, settings, tick_words
from analysis.importance.search_history import Course, Rungs
from analysis.vocabulary import Measure
from analysis.words import label
from result_schema import exact

Place = tuple[str, float]
"""Algorithm and λ."""

_DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (4, 1.5, 1, 1.5)))
"""Of the λ, in turn."""


def course_figure(courses: Mapping[Measure, Mapping[Place, Course]], colour: Colours) -> Figure:
    """Two panels per metric: every run's value and the best so far, against runs and against device-seconds."""
    with settings():
        figure = Figure(figsize=(10.5, 2.9 * len(courses)), layout="constrained")
        panels = figure.subplots(len(courses), 2, squeeze=False, sharey="row")
        lambdas = sorted({lam for own in courses.values() for _, lam in own})
        for row, (measure, own) in zip(panels, courses.items(), strict=True):
            for (algorithm, lam), found in own.items():
                runs = np.arange(1, len(found.best) + 1)
                dash = _DASHES[lambdas.index(lam) % len(_DASHES)]
                for panel, x in zip(row, (runs, found.seconds), strict=True):
                    panel.step(x, found.best, where="post", color=colour[algorithm], linestyle=dash)
                row[0].scatter(runs, found.values, s=7, color=colour[algorithm], alpha=0.45, linewidth=0)
            row[0].set_ylabel(measure.label)
            row[0].set_xlabel("runs")
            row[1].set_xlabel("device-seconds")
            if measure.ratio:
                log_axis(row[0], "y")
        _legend(figure, colour, lambdas)
    return figure


def importance_figure(
    shares: Mapping[Measure, Mapping[Place, Mapping[str, float]]], names: Sequence[str], colour: Colours
) -> Figure:
    """A panel per metric: each hyper-parameter's share of the variance, a bar per algorithm and λ."""
    with settings():
        figure = Figure(figsize=(10.5, 1.2 + 0.38 * len(names)), layout="constrained")
        panels = figure.subplots(1, len(shares), squeeze=False, sharey=True)[0]
        for panel, (measure, own) in zip(panels, shares.items(), strict=True):
            height = 0.8 / max(len(own), 1)
            for place, ((algorithm, _), found) in enumerate(own.items()):
                at = np.arange(len(names)) + (place - (len(own) - 1) / 2) * height
                widths = [100 * found.get(name, 0.0) for name in names]
                panel.barh(at, widths, height, color=colour[algorithm])
            panel.set_yticks(range(len(names)), tick_words(names))
            panel.set_xlabel("share of the variance (%)")
            panel_title(panel, measure.label)
        panels[0].invert_yaxis()
        places = list(dict.fromkeys(place for own in shares.values() for place in own))
        handles = [Patch(color=colour[algorithm]) for algorithm, _ in places]
        words = [f"{label(algorithm)}, λ = {exact(lam)}" for algorithm, lam in places]
        legend(figure, handles, words, min(4, max(1, len(words))))
    return figure


def rung_figure(curves: Mapping[Measure, Mapping[str, Rungs]], colour: Colours) -> Figure:
    """A panel per metric and algorithm: curves of STOPPED runs in grey up to their rung, of the others in colour."""
    with settings():
        columns = max(map(len, curves.values()))
        figure = Figure(figsize=(10.5, 2.9 * len(curves)), layout="constrained")
        panels = figure.subplots(len(curves), columns, squeeze=False, sharex=True, sharey="row")
        for row, (measure, own) in zip(panels, curves.items(), strict=True):
            for panel, (algorithm, found) in zip(row, own.items(), strict=True):
                stopped = found.stopped_at > 0
                panel.plot(found.iterations, found.values[stopped].T, color=MUTED, alpha=0.18, linewidth=0.6,
                           marker=".", markersize=2)  # fmt: skip
                panel.plot(
                    found.iterations,
                    found.values[~stopped].T,
                    color=colour[algorithm],
                    alpha=0.7,
                    linewidth=0.9,
                )
                for rung, count in found.counts.items():
                    panel.axvline(rung, color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
                    panel.annotate(f"{count} stopped", (rung, 1), xycoords=("data", "axes fraction"), xytext=(3, -9),
                                   textcoords="offset points", fontsize=7.5, color=INK)  # fmt: skip
                if measure.ratio:
                    log_axis(panel, "y")
                panel_title(panel, label(algorithm))
            row[0].set_ylabel(measure.label)
        for panel in panels[-1]:
            panel.set_xlabel("iteration")
    return figure


def _legend(figure: Figure, colour: Colours, lambdas: Sequence[float]) -> None:
    handles = [Line2D([], [], color=shade) for shade in colour.values()]
    words = list(map(label, colour))
    if len(lambdas) > 1:
        handles += [
            Line2D([], [], color=INK, linestyle=_DASHES[i % len(_DASHES)]) for i in range(len(lambdas))
        ]
        words += [f"λ = {exact(lam)}" for lam in lambdas]
    legend(figure, handles, words)
