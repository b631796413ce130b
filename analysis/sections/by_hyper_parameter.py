"""Medians per level of each hyper-parameter: what is fragile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import pandas as pd

from analysis.document.blocks import SMALL, Block, Cells, Details, Heading, Table, Text
from analysis.rows import Rows
from analysis.sections.base import MOST_SYSTEMS, Report, Section
from analysis.statistics.marginals import marginals
from analysis.vocabulary import Measure
from analysis.words import label, number
from result_names import exact

_WORDS = (
    "Median over COMPLETED runs at each level, all other hyper-parameters taken as they come; DIVERGED as count of "
    "results (COMPLETED + DIVERGED)."
)


@final
class ByHyperParameter(Section):
    """A table per λ shown."""

    name, order, title = "by_hyper_parameter", 200, "By hyper-parameter"

    def blocks(self, report: Report) -> Iterator[Block]:
        yield Text(_WORDS, SMALL)
        for i, lam in enumerate(report.shown):
            header, cells = cells_of(report.study, lam)
            words = 3 if "system" in header else 2
            title, table = f"λ = {exact(lam)}", Table(header, cells, words)
            yield from (Heading(title), table) if i == 0 else (Details(title, [table]),)


def cells_of(study: Rows, lam: float) -> Cells:
    """Header and a line per level, with the headline metrics of each system; of many systems a line per level and system."""
    if len(study.algorithms) > MOST_SYSTEMS:
        return _long(study, lam)
    header = ["hyper-parameter", "level"]
    for algorithm in study.algorithms:
        header += [f"{label(algorithm)} {what}" for what in (*(m.label for m in study.leading), "DIVERGED")]
    cells = []
    for (name, level), group in marginals(study, lam).groupby(["hyper_parameter", "level"], sort=False):
        own = {entry["algorithm"]: entry for _, entry in group.iterrows()}
        line = [name, level]
        for algorithm in study.algorithms:
            line += _marginal(own.get(algorithm), study.leading)
        cells.append(line)
    return header, cells


def _long(study: Rows, lam: float) -> Cells:
    cells = [
        [
            entry["hyper_parameter"],
            entry["level"],
            label(entry["algorithm"]),
            *_marginal(entry, study.leading),
        ]
        for _, entry in marginals(study, lam).iterrows()
    ]
    return ["hyper-parameter", "level", "system", *(m.label for m in study.leading), "DIVERGED"], cells


def _marginal(entry: pd.Series | None, measures: Sequence[Measure]) -> list[str]:
    if entry is None:
        return ["–"] * (len(measures) + 1)
    diverged = f"{entry['diverged']} of {entry['results']}"
    return [*(number(entry[m.column]) for m in measures), diverged]
