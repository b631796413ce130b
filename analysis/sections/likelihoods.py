"""The report's part on systems with densities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.comparison.families import judged_measures
from analysis.comparison.paired import compare, differences, match, published_pairs
from analysis.comparison.verdicts import Family
from analysis.document.blocks import SMALL, Block, Cells, Heading, Table, Text
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.statistics.means import NATS, density, open_ended
from analysis.statistics.published import published_value
from analysis.words import bounded, label, number
from result_names import exact

_TREATMENT = (
    "Likelihoods are in nats, over COMPLETED runs; means with Student’s intervals, 95 % by themselves, whose unit is the configuration, or the seed where there is one "
    "configuration. Paired differences have the simultaneous intervals of section Verdicts, and a verdict where the measure has a smallest difference of interest. The log-likelihood is per test point. A system’s ELBO is its own estimate, which an adversarial one "
    "can put too high."
)


@final
class Likelihoods(Section):
    """Means of metrics without a worst value, such as a likelihood, and paired differences, of accuracy too; nothing where no run has any."""

    name, order, title = "likelihoods", 130, "Likelihoods and accuracy"

    def heading(self, report: Report) -> str:
        return self.title if any(m.unit == NATS for m in report.study.measures) else "Means over runs"

    def blocks(self, report: Report) -> Iterator[Block]:
        cells, pairs = cells_of(report.study), paired_cells(report.study, report.family)
        if not cells[1] and not pairs[1]:
            return
        yield Text(_TREATMENT, SMALL)
        if cells[1]:
            yield Table(*cells)
        if pairs[1]:
            yield Heading("Paired")
            yield Table(*pairs, 3)


def cells_of(study: Rows) -> Cells:
    """Header and one line per λ, system and measure."""
    header = ["λ", "system", "measure", "runs", "mean [95 %]", "std", "least – greatest", "published"]
    cells = []
    for lam in study.lambdas:
        for algorithm in study.algorithms:
            for measure in open_ended(study):
                found = density(study, algorithm, lam, measure)
                if found is not None:
                    known = published_value(study, algorithm, lam, measure.column)
                    cells.append([exact(lam), label(algorithm), measure.label, str(found.runs), bounded(found.mean, 4), number(found.std),
                                  f"{number(found.low, 4)} – {number(found.high, 4)}",
                                  known.words if known else "–"])  # fmt: skip
    return header, cells


def paired_cells(study: Rows, family: Family) -> Cells:
    """Header and one line per published pair of systems, λ and likelihood or judged share that both have, then headline scores; of headline metrics alone nothing."""
    header = [
        "λ",
        "systems",
        "measure",
        "pairs",
        "estimate",
        "difference [simultaneous]",
        "verdict",
        "first one better in",
    ]
    cells = []
    shares = [m for m in judged_measures(study) if not m.log and m.worst is not None]
    candidates = dict.fromkeys((*open_ended(study), *(m for m in shares if m not in study.headline)))
    for first, second in published_pairs(study):
        pairs = match(study, first, second)
        shown = [m for m in candidates if len(pairs.table) and not differences(pairs.table, m).empty]
        for lam in pairs.lambdas if shown else []:
            for measure in (*shown, *(m for m in shares if m in study.headline)):
                found = compare(pairs, lam, measure, family)
                verdict = found.verdict
                cells.append([pairs.place(lam), f"{label(first)} − {label(second)}", measure.label, str(found.pairs),
                              f"{verdict.location.statistic}, {verdict.location.units} {found.unit}", bounded(verdict.location.interval, 4),
                              "–" if verdict.smallest is None else verdict.words,
                              f"{round(found.better_share * found.pairs)} of {found.pairs}" if found.pairs else "–"])  # fmt: skip
    return header, cells
