"""Successive halving: where runs were stopped, and what that saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import final

import matplotlib.figure

from analysis.document.blocks import SMALL, Block, Figure, Table, Text
from analysis.document.style import INK, MUTED, Colours, log_axis, panel_title, settings
from analysis.importance.search_history import Rungs, rungs, spent, stopped_count, would_have_spent
from analysis.sections.base import Report, Section, better, pages
from analysis.vocabulary import Measure
from analysis.words import label, number
from result_names import exact

_HALVING = (
    "Successive halving: at each rung (dashed) the best go on, the others are STOPPED and keep their curve up to there (grey). What is "
    "COMPLETED was chosen for being good: no share, median or difference in this report is of the space."
)

_MOST_PANELS = 4
"""Systems beside each other in one figure."""


@final
class Halving(Section):
    """Runs stopped at each rung; nothing where none was."""

    name, order, title = "halving", 160, "Successive halving"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, cells = report.study, []
        if not stopped_count(study.runs):
            return
        if study.curves.empty:
            yield Text("Not shown: no learning curves are stored for these runs.", SMALL)
            return
        yield Text(_HALVING, SMALL)
        for lam in report.shown:
            algorithms = [
                name
                for name in study.algorithms
                if stopped_count(study.group(name, lam))
                and (lam == report.shown[0] or name not in study.level)
            ]
            if not algorithms:
                continue
            curves = {m: {name: rungs(study, name, lam, m) for name in algorithms} for m in study.headline}
            for page, names in pages(algorithms, _MOST_PANELS):
                own = {m: {name: found[name] for name in names} for m, found in curves.items()}
                caption = f"Learning curves of halved runs at λ = {exact(lam)}. {better(study.headline)} Grey curves end where they were STOPPED.{page.words}"
                yield Figure(
                    f"halving_lambda_{exact(lam)}{page.suffix}", rung_figure(own, report.colours), caption
                )
            for name in algorithms:
                runs, at = study.group(name, lam), curves[study.headline[0]][name].counts
                stopped = ", ".join(f"{count} at {rung}" for rung, count in at.items())
                finished, seconds = len(runs) - sum(at.values()), spent(runs)
                saved = f"{seconds / would_have_spent(runs):.0%}"
                cells.append(
                    [
                        "any" if name in study.level else exact(lam),
                        label(name),
                        stopped,
                        str(finished),
                        number(seconds),
                        saved,
                    ]
                )
        header = ["λ", "system", "STOPPED", "to the end", "device-seconds", "of what all would take"]
        yield Table(header, cells, 3)


def rung_figure(curves: Mapping[Measure, Mapping[str, Rungs]], colour: Colours) -> matplotlib.figure.Figure:
    """A panel per metric and algorithm: curves of STOPPED runs in grey up to their rung, of the others in colour."""
    with settings():
        columns = max(map(len, curves.values()))
        figure = matplotlib.figure.Figure(figsize=(10.5, 2.9 * len(curves)), layout="constrained")
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
