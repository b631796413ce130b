"""The paired comparisons of a study, computed once and read by tables, figures and the opening; and their family."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.comparison import paired, trade_off
from analysis.comparison.paired import Difference, Divergence, Pairs
from analysis.comparison.verdicts import Family
from analysis.rows import Rows, once
from analysis.statistics.locations import LEAST
from analysis.vocabulary import Measure


@dataclass(frozen=True)
class Comparison:
    """Every paired result: by λ, then by measure in the order of `compared_measures`."""

    pairs: Pairs
    differences: list[Difference]
    divergences: list[Divergence]

    def at(self, lam: float, measure: Measure) -> Difference:
        return next(d for d in self.differences if d.lam == lam and d.measure == measure)

    def divergence_at(self, lam: float) -> Divergence:
        return next(d for d in self.divergences if d.lam == lam)


def compare_study(study: Rows, family: Family) -> Comparison | None:
    """The comparison of the study's two algorithms (`paired.choose_pair`), or None where it has no such two."""
    chosen = paired.choose_pair(study)
    if chosen is None:
        return None
    pairs = paired.match(study, *chosen)
    measures = compared_measures(study)
    differences = [
        paired.compare(pairs, lam, measure, family) for lam in pairs.lambdas for measure in measures
    ]
    return Comparison(pairs, differences, [paired.divergence(pairs, lam) for lam in pairs.lambdas])


def compared_measures(study: Rows) -> list[Measure]:
    """Metrics that two systems are compared by at length: the headline, a ratio on its natural scale too, and measured shares."""
    headline = [one for m in study.headline for one in dict.fromkeys((m.compared, m))]
    return headline + [m for m in study.measures if m.bounded and m not in study.headline]


def judged_measures(study: Rows) -> list[Measure]:
    """The metrics that have a smallest difference of interest, in this study or by default."""
    family = Family(declared=study.manifest.smallest_differences)
    return [m.compared for m in study.measures if family.smallest(m.compared) is not None]


@once
def judged(study: Rows) -> list[tuple[Pairs, float, Measure]]:
    """Comparisons that the report gives a verdict on: metrics with a smallest difference × λ × pairs of systems that have
    units enough; two systems without λ are compared once."""
    measures = judged_measures(study)
    matched = [paired.match(study, *pair) for pair in paired.published_pairs(study)]
    return [
        (pairs, lam, measure)
        for pairs in matched
        for lam in pairs.lambdas
        for measure in measures
        if len(paired.unit_differences(pairs.having(lam, measure), measure, pairs.unit)) >= LEAST
    ]


def family_of(study: Rows) -> Family:
    """The family of all that the report judges: paired differences, and changes with λ."""
    size = len(judged(study)) + trade_off.judged_changes(study)
    units = study.runs[study.unit].nunique()
    return Family(size, study.manifest.smallest_differences, study.manifest.looks, units)
