"""The report's part on how many configurations would have done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.comparison.families import judged
from analysis.comparison.paired import unit_differences
from analysis.comparison.sample_sizes import LEAST, Agreement, agreement
from analysis.comparison.verdicts import Family
from analysis.document.blocks import SMALL, Block, Cells, Table, Text
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.statistics.estimates import generator
from analysis.words import label
from result_names import exact

_SIZES = tuple(LEAST * 2**i for i in range(10))
"""Numbers of configurations in the table, as far as the study has more."""

_ENOUGH = (0.8, 0.9)
"""Shares of agreement that the least number is given for."""

_WORDS = (
    "Percent of smaller studies, of n {units}, that would have come to the same verdict at the family’s level: random parts of this "
    "study, drawn without replacement (standard error 2.5 % at most; a balanced subset varies less). Least for 80 %: from so many on. Last, as "
    "many as there are, drawn with replacement: how often the same study on other configurations like these would decide so. Parts "
    "that are nearly all of the study agree with it whatever is true; an undecided verdict has nothing to agree with."
)


@final
class SampleSizes(Section):
    """How often smaller studies agree, or why that is not told; nothing where nothing is compared."""

    name, order, title = "sample_sizes", 40, "How many would have done"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if len(study.algorithms) < 2:
            return
        cells = cells_of(study, report.family)
        if not cells[1]:
            yield Text(f"Not shown: no verdict on more than {LEAST} {_units(study)} is decided.", SMALL)
            return
        yield Text(_WORDS.format(units=_units(study)), SMALL)
        yield Table(*cells, 4)


def cells_of(study: Rows, family: Family) -> Cells:
    """Header and a line per verdict on a paired difference that is decided on more than LEAST units; none where none is."""
    found = []
    for pairs, lam, measure in judged(study):
        units = unit_differences(pairs.having(lam, measure), measure, pairs.unit)
        verdict = family.judge(measure, units)
        own = agreement(units, verdict, generator("parts", pairs.first, pairs.second, lam, measure.label))
        if own is not None:
            systems = f"{label(pairs.first)} − {label(pairs.second)}"
            found.append(([exact(lam), systems, measure.name, verdict.words], own))
    sizes = [n for n in _SIZES if any(n < len(own.shares) for _, own in found)]
    header = ["λ", "systems", "metric", "verdict", *(f"n = {n}" for n in sizes),
              *(f"least for {100 * share:g} %" for share in _ENOUGH), "all, drawn anew"]  # fmt: skip
    cells = [[*words, *_numbers(own, sizes)] for words, own in found]
    return header, cells


def _numbers(own: Agreement, sizes: list[int]) -> list[str]:
    shares = [f"{100 * own.shares[n]:.0f} %" if n < len(own.shares) else "–" for n in sizes]
    least = [own.least(share) for share in _ENOUGH]
    return [*shares, *("all" if n is None else str(n) for n in least), f"{100 * own.anew:.0f} %"]


def _units(study: Rows) -> str:
    return "seeds" if study.unit == "seed" else "configurations"
