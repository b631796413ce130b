"""The report's part that has every system in one table, where there are more than a pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import pandas as pd

from analysis import rows, states
from analysis.comparison.rankings import LEAST_SYSTEMS
from analysis.document.blocks import SMALL, Block, Cells, Figure, Table, Text
from analysis.rows import Rows
from analysis.sections._systems_figure import MOST, in_order, systems_figure
from analysis.sections.base import Report, Section, better, pages
from analysis.statistics.means import density
from analysis.vocabulary import Measure
from analysis.words import bounded, label, number
from result_names import exact

_WORDS = (
    "Means over COMPLETED runs with Student’s intervals, 95 % by themselves, whose unit is the configuration, or the seed where there is "
    "one configuration; on top the system with the best median of the first measure, DIVERGED as worst. A dash: the system has nothing "
    "to measure. DIVERGED runs are counted beside the means."
)


_FIGURE = (
    "Medians with 95 % intervals over configurations, a DIVERGED run being worse than any value, and the share of results that DIVERGED; "
    "the best by {measure} on top. {better} Where the bars of two systems do not overlap they differ by themselves, which is no verdict; "
    "no point: most runs DIVERGED, or the system has nothing to measure."
)


@final
class AllSystems(Section):
    """One table, and of many systems a figure; nothing for a pair of systems, which the report compares."""

    name, order, title = "all_systems", 80, "All systems"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if len(study.algorithms) < LEAST_SYSTEMS:
            return
        if not report.few and study.leading:
            measures = study.leading
            words = _FIGURE.format(measure=measures[0].name, better=better(measures))
            for page, systems in pages(in_order(report.summary, measures[0]), MOST):
                figure = systems_figure(report.summary, systems, measures, report.shown)
                yield Figure(f"systems{page.suffix}", figure, f"{words}{page.words}")
        yield Text(_WORDS, SMALL)
        yield Table(*cells_of(study))


def cells_of(study: Rows, measures: Sequence[Measure] = ()) -> Cells:
    """Header and one line per λ and system, ordered by the first measure; columns that no system has are left out.

    Args:
        study: its rows.
        measures: columns; by default the headline, and others that declare how far two values are apart, but for ratios.
    """
    others = [m for m in study.measures if m.declares and not m.ratio and m not in study.headline]
    plain = [m for m in study.headline if not m.ratio]
    measures = measures or (*plain, *others, *(m for m in study.headline if m.ratio))
    shown = [m for m in measures if study.measured(m.column)]
    lines = []
    for lam in study.lambdas:
        for algorithm in study.algorithms:
            group = study.group(algorithm, lam)
            found = [density(study, algorithm, lam, measure) for measure in shown]
            place = _place(study, group, shown[0]) if shown else (True, 0.0)
            cells = [exact(lam), label(algorithm), str(len(rows.results(group))), str(rows.diverged_count(group)),
                     *(bounded(d.mean) if d else "–" for d in found), number(group["train_seconds"].mean())]  # fmt: skip
            lines.append(((lam, *place), cells))
    header = ["λ", "system", "runs", "DIVERGED", *(m.label for m in shown), "seconds a run"]
    return header, [cells for _, cells in sorted(lines, key=lambda line: line[0])]


def _place(study: Rows, group: pd.DataFrame, measure: Measure) -> tuple[bool, float]:
    """Orders groups by their medians, DIVERGED as worst; those that have nothing to measure come last."""
    ranked = states.ranked(group, measure, study.having(measure.column))
    ranked = ranked[~np.isnan(ranked)]
    return (False, -measure.better * float(np.median(ranked))) if len(ranked) else (True, 0.0)
