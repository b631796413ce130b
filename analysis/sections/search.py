"""History of a search, and importance of its hyper-parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import final

import matplotlib.figure
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.document.blocks import SMALL, Block, Figure, Text
from analysis.document.style import INK, Colours, legend, log_axis, panel_title, settings, tick_words
from analysis.importance.fanova import importances
from analysis.importance.search_history import Course, course
from analysis.rows import Rows
from analysis.sections.base import Report, Section, better, crowded
from analysis.vocabulary import Measure
from analysis.words import label
from result_names import exact

Place = tuple[str, float]
"""Algorithm and λ."""

_DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (4, 1.5, 1, 1.5)))
"""Of the λ, in turn."""

_COURSE = (
    "Every COMPLETED run (point) and the best so far (line), in the order in which the runs were stored; within a generation that "
    "order means nothing. {better} A line that is level from early on had found its best by then. A STOPPED or DIVERGED run counts as a run and with its device-seconds."
)
_FANOVA = (
    "fANOVA (Hutter et al. 2014) of the COMPLETED runs: the share of the variance that a hyper-parameter explains by itself, by a "
    "random forest; what interactions and noise explain is in no bar. A sampler looks where it is good: the shares are of where it looked."
)
_NO_FACTORIAL = "No analysis of variance and no expected best of k runs: what a sampler chose is no factorial, and no random draw."


@final
class Search(Section):
    """The best result so far, and what mattered; nothing for a grid."""

    name, order, title = "search", 150, "The search"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if not study.manifest.searched:
            return
        once = report.shown[:1]
        groups = {
            (a, lam): study.group(a, lam)
            for a in study.algorithms
            for lam in (once if a in study.level else report.shown)
        }
        groups = {place: runs for place, runs in groups.items() if len(runs)}
        courses = {m: {place: course(runs, m) for place, runs in groups.items()} for m in study.headline}
        if report.few:
            caption = _COURSE.format(better=better(study.headline)) + without_lambda(study)
            yield Figure("course", course_figure(courses, report.colours), caption)
        else:
            yield Text(crowded(study), SMALL)
        names = list(study.manifest.hyper_parameters)
        shares = {
            m.compared: {place: importances(runs, names, m.compared) for place, runs in groups.items()}
            for m in study.headline
        }
        kept = [
            name for name in names if any(name in found for own in shares.values() for found in own.values())
        ]
        if kept:
            figure = importance_figure(shares, kept, report.colours, study.level)
            yield Figure("importance", figure, _FANOVA)
        else:
            yield Text("No importance of hyper-parameters: the runs are too few, or do not differ.", SMALL)
        yield Text(_NO_FACTORIAL, SMALL)


def without_lambda(study: Rows) -> str:
    """Sentence of a caption that names the algorithms without λ, which a figure shows once; '' where all or none are without."""
    names = [label(name) for name in study.algorithms if name in study.level]
    return f" Without λ, and so drawn once: {', '.join(names)}." if names and study.has_lambda else ""


def course_figure(
    courses: Mapping[Measure, Mapping[Place, Course]], colour: Colours
) -> matplotlib.figure.Figure:
    """Two panels per metric: every run's value and the best so far, against runs and against device-seconds."""
    with settings():
        figure = matplotlib.figure.Figure(figsize=(10.5, 2.9 * len(courses)), layout="constrained")
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
    shares: Mapping[Measure, Mapping[Place, Mapping[str, float]]],
    names: Sequence[str],
    colour: Colours,
    level: Collection[str] = (),
) -> matplotlib.figure.Figure:
    """A panel per metric: each hyper-parameter's share of the variance, a bar per algorithm and λ, one per algorithm without λ."""
    with settings():
        bars = max(map(len, shares.values()))
        figure = matplotlib.figure.Figure(
            figsize=(10.5, 1.2 + max(0.38, 0.09 * bars) * len(names)), layout="constrained"
        )
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
        words = [label(name) if name in level else f"{label(name)}, λ = {exact(lam)}" for name, lam in places]
        legend(figure, handles, words)
    return figure


def _legend(figure: matplotlib.figure.Figure, colour: Colours, lambdas: Sequence[float]) -> None:
    handles = [Line2D([], [], color=shade) for shade in colour.values()]
    words = list(map(label, colour))
    if len(lambdas) > 1:
        handles += [
            Line2D([], [], color=INK, linestyle=_DASHES[i % len(_DASHES)]) for i in range(len(lambdas))
        ]
        words += [f"λ = {exact(lam)}" for lam in lambdas]
    legend(figure, handles, words)
