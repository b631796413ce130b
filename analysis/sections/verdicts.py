"""The report's part on verdicts: every comparison of its family, and over what the intervals are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.comparison.families import judged
from analysis.comparison.paired import compare
from analysis.comparison.verdicts import Family
from analysis.document.blocks import SMALL, Block, Cells, Table, Text
from analysis.rows import Rows
from analysis.sections._paired_cells import verdict_cells
from analysis.sections.base import Report, Section
from analysis.statistics.locations import LEAST, LEAST_OF_MEDIAN


@final
class Verdicts(Section):
    """Every verdict on a paired difference; nothing where nothing is compared."""

    name, order, title = "verdicts", 30, "Verdicts"

    def blocks(self, report: Report) -> Iterator[Block]:
        cells = cells_of(report.study, report.family)
        if cells[1]:
            yield Text(scope(report.study, report.family), SMALL)
            yield Table(*cells, 3)


def cells_of(study: Rows, family: Family) -> Cells:
    """Header and one line per pair of systems, λ and metric that is judged."""
    return verdict_cells([(pairs, compare(pairs, lam, m, family)) for pairs, lam, m in judged(study)])


def scope(study: Rows, family: Family) -> str:
    """How verdicts are come to, and what they are about, in words."""
    count, seeds = study.runs["configuration_key"].nunique(), study.runs["seed"].nunique()
    over = (
        f"these {count:,} configurations, as if drawn from many like them: for this fixed grid they err on the long side, of other "
        f"levels they say nothing.{' With one seed each, a configuration has favoured a system in one run.' * (seeds == 1)}"
        if count > 1
        else f"these {seeds:,} seeds: of other configurations they say nothing."
    )
    return (
        f"One family of {family.size:,} comparisons, of paired differences and of changes with λ: their intervals hold together with 95 %, each "
        f"at {100 * family.confidence:.4g} % (Bonferroni{_looks(family)}), and p is of the test that the interval inverts, times {family.times:,.4g}. From {LEAST_OF_MEDIAN} units up the "
        f"median, by the exact sign test (ties left out); of {LEAST} and more the mean, by Student’s t; of fewer nothing. A DIVERGED side is worse than any value. "
        "Higher or lower: the interval excludes no difference. Equivalent: it lies within the smallest difference of interest on both sides. "
        "Undecided: neither; its ends are how large the difference can still be. "
        f"{_level(study)}Intervals are over {over} All runs share one training and one test set: what other data would change is in no interval."
    )


def _level(study: Rows) -> str:
    """Words for systems that stand at every λ and are counted once; '' without any."""
    return "Two systems without λ are one comparison, whatever λ. " * (
        len(study.level) > 1 and len(study.lambdas) > 1
    )


def _looks(family: Family) -> str:
    """How often the study is looked at, in words; '' where that is once."""
    if not family.looks:
        return ""
    *earlier, last = family.looks
    return f"; by plan looked at after {', '.join(map(str, earlier))} and {last} units, which together err no more than one look would"
