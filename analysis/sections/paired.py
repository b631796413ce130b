"""The paired difference of the two systems that are compared at length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.comparison.families import Comparison
from analysis.document.blocks import FINDING, SMALL, Block, Figure, Heading, Table, Text
from analysis.rows import Rows
from analysis.sections._paired_cells import difference_cells, divergence_cells, finding, worst_rank_cells
from analysis.sections._paired_figures import difference_figure, paired_scatter_figure
from analysis.sections.base import Report, Section
from analysis.words import label, listed

_TREATMENT = (
    "One pair is one configuration, λ and seed under both systems; differences are {first} − {second}{logarithms}. "
    "Seeds of a configuration are averaged first: the unit is the configuration, or the seed where there is one "
    "configuration. Differences and verdicts are those of section Verdicts, with the same simultaneous intervals; metrics "
    "without a smallest difference of interest have no verdict. The mean is of pairs in which both sides COMPLETED, with "
    "Student’s interval, 95 % by itself: a description, from which no verdict is taken."
)
_WORST_RANK = (
    "What the verdicts count: a DIVERGED side is worse than any value, and two DIVERGED sides are equal; so is an infinite "
    "value. Counts are {unit}."
)
_DIVERGENCE = (
    "Divergence over all pairs. The exact sign test asks whether the units in which one side DIVERGED more often fall evenly; "
    "seeds of a configuration count once, with one seed each it is McNemar’s test. Its p stands by itself, outside the family "
    "of verdicts, in which a divergence counts as worst."
)
_SCATTER = (
    "Each point is one pair: {second} across, {first} up, both alike on the line; the corners say who is better on which side of it. Ticks outside the frame are pairs "
    "of which one side DIVERGED, at the value of the other: above, {first} DIVERGED; at the right, "
    "{second} did."
)
_DIFFERENCES = (
    "{first} − {second} pair by pair, in the colour of the system it favours. Line and band: "
    "the difference that the verdict is on and its simultaneous interval. A difference is shown where the band leaves the grey line at no "
    "difference free."
)


@final
class Paired(Section):
    """Differences, counts with every divergence as worst, and divergence itself, or why two systems are not compared."""

    name, order, title = "paired", 100, "Paired difference"

    def heading(self, report: Report) -> str:
        if report.comparison is None:
            return self.title
        pairs = report.comparison.pairs
        return f"{self.title}: {label(pairs.first)} − {label(pairs.second)}"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, comparison = report.study, report.comparison
        if comparison is None:
            yield Text(
                f"No paired difference: it compares two systems on the same configurations, and {_why(study)}."
            )
            return
        pairs = comparison.pairs
        for words in findings(study, comparison, report.shown):
            yield Text(words, FINDING)
        names = {"first": label(pairs.first), "second": label(pairs.second)}
        ratios = [m.label for m in study.headline if m.ratio]
        logarithms = (
            f", those of {listed(ratios)} of {'its' if len(ratios) == 1 else 'their'} logarithm"
            * bool(ratios)
        )
        yield Text(_TREATMENT.format(**names, logarithms=logarithms), SMALL)
        yield Table(*difference_cells(pairs, comparison.differences))
        yield Heading("With every divergence ranked worst")
        yield Text(_WORST_RANK.format(unit=comparison.differences[0].unit), SMALL)
        yield Table(*worst_rank_cells(pairs, comparison.differences))
        yield Heading("Divergence")
        yield Text(_DIVERGENCE, SMALL)
        yield Table(*divergence_cells(pairs, comparison.divergences), text_columns=1)
        lambdas = [lam for lam in report.shown if lam in pairs.lambdas]
        scatter = paired_scatter_figure(pairs, [m.compared for m in study.headline], lambdas, report.colours)
        yield Figure("paired", scatter, _SCATTER.format(**names))
        found = [d for d in comparison.differences if d.measure == d.measure.compared and d.lam in lambdas]
        spread = difference_figure(pairs, found, lambdas, report.colours)
        yield Figure("differences", spread, _DIFFERENCES.format(**names))


def _why(study: Rows) -> str:
    """Why no two systems are compared at length, in words."""
    if len(study.algorithms) == 1:
        return f"the rows have only {label(study.algorithms[0])}"
    return "no paper compares two of these; section Ranking has every pair"


def findings(study: Rows, comparison: Comparison, shown: list[float]) -> list[str]:
    """What the pairs say, one sentence per λ of those shown."""
    return [
        finding(
            comparison.pairs,
            [comparison.at(lam, m.compared) for m in study.leading],
            comparison.divergence_at(lam),
        )
        for lam in comparison.pairs.lambdas
        if lam in shown
    ]
