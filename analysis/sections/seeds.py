"""The report's part on what seeds do and what configurations do, and how far one configuration's result can be relied on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import final

from analysis.comparison.seed_results import Decomposed, Subject, decompose, obstacle
from analysis.document.blocks import SMALL, Block, Cells, Heading, Table, Text
from analysis.importance.components import LEAST, RELIABLE
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.statistics.estimates import Interval
from analysis.words import bounded, counted, label, number
from result_names import exact

_WORDS = (
    "Standard deviations between configurations and between seeds of one configuration, on the metric’s own scale, by analysis of "
    "variance with seeds nested in configurations. Of one system: how much its value differs. Of two: how much their paired "
    "difference does, which is a system’s interaction with configurations and with seeds. Reliability: the part of the variance of "
    "configurations’ means over the study’s seeds that is configurations’ own; beside it the seeds that make it {reliable:g} "
    "(Spearman–Brown). A configuration or seed with a DIVERGED run or an infinite value has no variance and is left out. Intervals: "
    "95 %, each by itself, over {least} configurations and more; they err on the long side."
)
_OVER_LAMBDA = (
    "Of the configurations and seeds that every λ has: what a configuration or a seed does at every λ alike, and what it does at one λ "
    "and not at another. The mean over configurations at each λ is taken off."
)


@final
class Seeds(Section):
    """Components and reliability, or why they cannot be told."""

    name, order, title = "seeds", 50, "Seeds and configurations"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        found = decompose(study)
        if not found:
            why = obstacle(study) or "no system has two configurations with a value, one of them on two seeds"
            yield Text(f"Not shown: {why}.", SMALL)
            return
        for words in sentences(study, found, report.shown):
            yield Text(words)
        yield Text(_WORDS.format(reliable=RELIABLE, least=LEAST), SMALL)
        (_, own), *rest = tables(study, found)
        yield Table(*own, 3)
        for title, cells in rest:
            yield Heading(title)
            yield Text(_OVER_LAMBDA, SMALL)
            yield Table(*cells)


def tables(study: Rows, found: Sequence[Decomposed]) -> list[tuple[str, Cells]]:
    """Title, header and cells: at each λ and, of several, over λ; nothing where nothing is decomposed."""
    seeds = study.runs["seed"].nunique()
    at_lambda = [
        [
            _name(d.subject),
            d.measure.label,
            "any" if study.level.issuperset(d.subject) else exact(d.lam),
            f"{d.found.configurations} × {d.found.seeds:.3g}",
            str(d.left_out),
            bounded(d.found.configuration),
            bounded(d.found.seed),
            bounded(d.found.reliability(seeds), 2),
            _seeds(d.found.seeds_needed),
        ]
        for d in found
        if d.lam is not None
    ]
    header = ["of", "metric", "λ", "configurations × seeds", "left out", "configurations, sd [95 %]", "seeds, sd [95 %]",
              f"reliability with {counted(seeds, 'seed')} [95 %]", f"seeds for {RELIABLE:g} [95 %]"]  # fmt: skip
    over = [
        [_name(d.subject), d.measure.label, f"{d.found.configurations} × {d.found.seeds:.3g}", str(d.left_out),
         *(bounded(one) for one in (d.found.configuration, d.found.configuration_lambda, d.found.seed, d.found.seed_lambda) if one)]
        for d in found if d.lam is None
    ]  # fmt: skip
    parts = ["configurations", "configurations × λ", "seeds", "seeds × λ"]
    wide = ["of", "metric", "configurations × seeds", "left out", *(f"{part}, sd [95 %]" for part in parts)]
    return [
        (title, cells)
        for title, cells in (("Seeds and configurations", (header, at_lambda)), ("Over λ", (wide, over)))
        if cells[1]
    ]


def sentences(study: Rows, found: Sequence[Decomposed], shown: list[float]) -> Iterator[str]:
    """How far one configuration's difference can be relied on at the λ shown, a sentence per pair of systems and metric."""
    seeds = study.runs["seed"].nunique()
    pairs = [
        d for d in found if d.lam in shown and len(d.subject) > 1 and not math.isnan(d.found.ratio.point)
    ]
    for subject, measure in dict.fromkeys((d.subject, d.measure) for d in pairs):
        own = [d for d in pairs if (d.subject, d.measure) == (subject, measure)]
        said = [
            f"{'whatever λ' if study.level.issuperset(subject) else f'λ = {exact(d.lam)}'}: reliability {bounded(d.found.reliability(seeds), 2)}; {_takes(d.found.seeds_needed)}"
            for d in own if d.lam is not None
        ]  # fmt: skip
        yield (
            f"Which configuration favours {label(subject[0])} over {label(subject[1])}, by {measure.name} with "
            f"{counted(seeds, 'seed')}. {'. '.join(said)}."
        )


def _takes(needed: Interval) -> str:
    """How many seeds make a statement of one configuration reliable, in words."""
    if math.isinf(needed.point):
        least = f", {needed.low:,.0f} at least" if needed.low > 1 else ""
        return f"{RELIABLE:g} takes more seeds than these rows can tell{least}"
    return f"{RELIABLE:g} takes {_seeds(needed)} seed{'s' * (needed.point != 1)}"


def _name(subject: Subject) -> str:
    return " − ".join(map(label, subject))


def _seeds(needed: Interval) -> str:
    """Whole numbers of seeds, ∞ where no number is enough."""
    point, low, high = (
        f"{end:,.0f}" if math.isfinite(end) else number(end)
        for end in (needed.point, needed.low, needed.high)
    )
    return point if math.isnan(needed.low) else f"{point} [{low}, {high}]"
