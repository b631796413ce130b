"""The whole paired comparison of a study, computed once and read by tables, figures and the opening."""

from __future__ import annotations

from dataclasses import dataclass

from analysis import paired
from analysis.measures import PAIRED, Measure
from analysis.paired import Difference, Divergence, Pairs
from analysis.rows import Rows


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


def compare_study(study: Rows) -> Comparison | None:
    """The comparison of the study's two algorithms (`paired.choose_pair`), or None where it has only one."""
    chosen = paired.choose_pair(study.algorithms)
    if chosen is None:
        return None
    pairs = paired.match(study.runs, *chosen)
    differences = [paired.compare(pairs, lam, measure) for lam in pairs.lambdas for measure in PAIRED]
    return Comparison(pairs, differences, [paired.divergence(pairs, lam) for lam in pairs.lambdas])
