"""The report's part on how many configurations would have done."""

from __future__ import annotations

from analysis.comparison.families import judged
from analysis.comparison.paired import unit_differences
from analysis.comparison.sample_sizes import LEAST, Agreement, agreement
from analysis.comparison.verdicts import Family
from analysis.document import page
from analysis.document.page import Section
from analysis.rows import Rows
from analysis.sections.figure_sections import Part
from analysis.sections.paired_tables import Table
from analysis.statistics.estimates import generator
from analysis.words import label
from result_schema import exact

_TITLE = "How many would have done"

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


def sample_size_section(study: Rows, tables: list[tuple[str, Table]]) -> Part | None:
    """The table of `tables`, or why there is none; None where nothing is compared."""
    if len(study.algorithms) < 2:
        return None
    if not tables:
        why = f"Not shown: no verdict on more than {LEAST} {_units(study)} is decided."
        return Section(_TITLE, page.paragraph(why, "small")), []
    ((title, cells),) = tables
    return Section(
        title, page.paragraph(_WORDS.format(units=_units(study)), "small") + page.table(*cells, 4)
    ), []


def tables(study: Rows, family: Family) -> list[tuple[str, Table]]:
    """Title, header and a line per verdict on a paired difference that is decided on more than LEAST units; nothing where none is."""
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
    return [(_TITLE, (header, cells))] if cells else []


def _numbers(own: Agreement, sizes: list[int]) -> list[str]:
    shares = [f"{100 * own.shares[n]:.0f} %" if n < len(own.shares) else "–" for n in sizes]
    least = [own.least(share) for share in _ENOUGH]
    return [*shares, *("all" if n is None else str(n) for n in least), f"{100 * own.anew:.0f} %"]


def _units(study: Rows) -> str:
    return "seeds" if study.unit == "seed" else "configurations"
