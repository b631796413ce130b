"""The paired comparisons of a study, computed once and read by tables, figures and the opening; and their family."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.comparison import paired, trade_off
from analysis.comparison.paired import Difference, Divergence, Pairs
from analysis.comparison.verdicts import Family
from analysis.rows import Rows
from analysis.statistics.locations import LEAST
from analysis.statistics.means import ACCURACY
from analysis.statistics.means import MEASURES as DENSITIES
from analysis.vocabulary import INCEPTION, PAIRED, Measure

MEASURES = tuple(dict.fromkeys((*PAIRED, INCEPTION, *DENSITIES, ACCURACY)))
"""Compared pair by pair, somewhere in a report; judged are those that have a smallest difference of interest."""


@dataclass(frozen=True)
class Comparison:
    """Every paired result: by λ, then by measure in the order of `measures.PAIRED`."""

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
    pairs = paired.match(study.runs, *chosen, study.level)
    differences = [paired.compare(pairs, lam, measure, family) for lam in pairs.lambdas for measure in PAIRED]
    return Comparison(pairs, differences, [paired.divergence(pairs, lam) for lam in pairs.lambdas])


def judged_measures(study: Rows) -> list[Measure]:
    """The metrics that have a smallest difference of interest, in this study or by default."""
    family = Family(declared=study.manifest.smallest_differences)
    return [m for m in MEASURES if m.column in study.runs and family.smallest(m) is not None]


def judged(study: Rows) -> list[tuple[Pairs, float, Measure]]:
    """Comparisons that the report gives a verdict on: metrics with a smallest difference × λ × pairs of systems that have
    units enough; two systems without λ are compared once."""
    measures = judged_measures(study)
    matched = [paired.match(study.runs, *pair, study.level) for pair in paired.published_pairs(study)]
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
