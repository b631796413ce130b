"""Generated points, or images, of the best, median and worst run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.document.blocks import SMALL, Block, Figure, Text
from analysis.rows import Rows, load_points
from analysis.sections._exemplars import exemplars
from analysis.sections._sample_figures import gallery_figure, sample_figure
from analysis.sections.base import Report, Section
from analysis.vocabulary import Measure
from result_names import exact

_FEW = 4
"""Systems of which three runs are drawn each; of more it is one."""


@final
class Samples(Section):
    """A figure per λ shown; nothing of a Bayesian model, which has a posterior."""

    name, order, title = "samples", 110, "Generated points"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if study.manifest.coordinates or not study.leading:
            return
        measure = max(study.leading, key=lambda m: len(study.having(m.column)))  # of as many the first
        by = {
            a: next((m for m in (measure, *study.leading) if a in study.having(m.column)), measure)
            for a in study.algorithms
        }
        chosen = {lam: {a: exemplars(study, a, lam, by[a]) for a in study.algorithms} for lam in report.shown}
        keys = [e.run["run_key"] for at in chosen.values() for found in at.values() for e in found]
        points = load_points(study.where, sorted(set(keys)), study.manifest.shape)
        yield Text(_words(study, measure, sorted({m.label for m in by.values() if m != measure})), SMALL)
        draw = sample_figure if len(study.algorithms) <= _FEW else gallery_figure
        for lam, at in chosen.items():
            figure = draw(at, points, study.leading, report.colours, study.modes)
            yield Figure(f"samples_lambda_{exact(lam)}", figure, f"Generated points at λ = {exact(lam)}.")


def _words(study: Rows, measure: Measure, others: list[str]) -> str:
    """Which runs are shown, and what is true of them where that is known."""
    ranks = "Best, median and worst" if len(study.algorithms) <= _FEW else "The median"
    without = f"; of systems without it by {' or '.join(others)}" if others else ""
    words, shape = f"{ranks} COMPLETED run by {measure.label}{without}.", study.manifest.shape
    if study.modes is not None:
        words += (
            " Circles: three standard deviations around the true means; a point inside one is on its mode."
        )
    elif len(shape) == 1 and shape[0] > 2:
        words += f" Drawn are the first two of {shape[0]} coordinates."
    return words
