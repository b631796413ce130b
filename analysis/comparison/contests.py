"""Every pair of a study's systems, judged; and the systems' standings, ranks and verdicts together.

A study of many systems has two families. The pairs that papers compare are few and named beforehand: their verdicts, with
the changes along λ, are the confirmatory family (`comparison.family_of`), and it does not grow with the systems beside
them. All pairs × metrics × λ are another, exploratory one: nobody named them beforehand, and of 27 systems they are
351 a metric, beside which ten published ones, corrected for all, would show little in a few seeds. Each family errs in
5 % of reports at most.

Pairs are judged by their own differences, not by those of mean ranks, which depend on who else is ranked: Benavoli, Corani
& Mangili 2016 (JMLR 17).

Both are judged alike (`verdicts.Family`): by Bonferroni, so that what an interval excludes and what a test rejects is the
same; Holm's steps would show some more pairs to differ, without an interval that says so.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.comparison import paired
from analysis.comparison.families import judged_measures
from analysis.comparison.rankings import LEAST_SYSTEMS, Ranking, rank
from analysis.comparison.verdicts import Family, Verdict
from analysis.rows import Rows
from analysis.statistics.blocks import Sides, aligned, gains, numbered
from analysis.statistics.locations import LEAST
from analysis.vocabulary import Floats, Measure


@dataclass(frozen=True)
class Contest:
    """Two systems by one measure at one λ; the verdict is on first − second."""

    lam: float
    measure: Measure
    first: str
    second: str
    verdict: Verdict

    @property
    def winner(self) -> str | None:
        """The system that is shown better."""
        side = self.verdict.side * self.measure.better
        return self.first if side > 0 else self.second if side < 0 else None

    @property
    def loser(self) -> str | None:
        """The system that is shown worse."""
        winner = self.winner
        return None if winner is None else self.second if winner == self.first else self.first


@dataclass(frozen=True)
class Standing:
    """A ranking and the verdicts on its pairs, those that have units enough for one."""

    ranking: Ranking
    contests: list[Contest]

    @property
    def wins(self) -> Counter[str]:
        """System -> number of systems that it is shown better than."""
        return Counter(one.winner for one in self.contests if one.winner is not None)

    @property
    def losses(self) -> Counter[str]:
        """System -> number of systems that are shown better."""
        return Counter(one.loser for one in self.contests if one.loser is not None)

    def groups(self) -> list[list[str]]:
        """Longest runs of neighbours in rank, two systems or more, no two of which are shown to differ."""
        order = list(self.ranking.mean)
        differing = {frozenset((one.first, one.second)) for one in self.contests if one.winner}
        found: list[list[str]] = []
        end = 0
        for start in range(len(order)):
            before = end
            while end < len(order) and all({order[end], name} not in differing for name in order[start:end]):
                end += 1
            if end > before and end - start > 1:
                found.append(order[start:end])
        return found


@dataclass(frozen=True)
class Standings:
    """By measure, then λ; and the family of all their contests."""

    standings: list[Standing]
    family: Family

    @property
    def measures(self) -> list[Measure]:
        return list(dict.fromkeys(one.ranking.measure for one in self.standings))

    def by(self, measure: Measure) -> list[Standing]:
        return [one for one in self.standings if one.ranking.measure == measure]


def compute(study: Rows) -> Standings:
    """Standings by every metric with a smallest difference of interest; none of fewer than LEAST_SYSTEMS systems."""
    declared = study.manifest.smallest_differences
    sides = (
        {m: gains(study, m) for m in judged_measures(study)} if len(study.algorithms) >= LEAST_SYSTEMS else {}
    )
    rankings = [one for m, own in sides.items() for one in rank(own, m, study.unit)]
    pairs = {
        (one.measure, one.lam): list(differences(sides[one.measure], one.lam, one.measure, study.unit))
        for one in rankings
    }
    # Two systems without λ are one comparison, which stands at every λ.
    different = {
        (measure, first, second, None if study.level.issuperset((first, second)) else lam)
        for (measure, lam), found in pairs.items()
        for first, second, _ in found
    }
    family = Family(len(different), declared)
    return Standings(
        [
            Standing(
                one,
                [
                    Contest(one.lam, one.measure, first, second, family.judge(one.measure, units))
                    for first, second, units in pairs[one.measure, one.lam]
                ],
            )
            for one in rankings
        ],
        family,
    )


def differences(sides: Sides, lam: float, measure: Measure, unit: str) -> Iterator[tuple[str, str, Floats]]:
    """Every pair of systems at a λ and first − second of each unit (as `paired.unit_differences`), where there are LEAST.

    Args:
        sides: of the measure (`blocks.gains`).
        lam: the λ.
        measure: the measure.
        unit: column of KEY: of what is independent.
    """
    table = aligned({name: own[lam] for name, own in sides.items() if lam in own})
    names = [str(name) for name in table.columns]
    for i, j, found in paired_units(measure.better * table.to_numpy(float), numbered(table, unit)):
        if len(found) >= LEAST:
            yield names[i], names[j], found


def paired_units(values: Floats, units: npt.NDArray[np.intp]) -> Iterator[tuple[int, int, Floats]]:
    """Every two of k columns and their differences, first − second, averaged over the rows of each unit.

    Args:
        values: [n, k]; NaN where a system has no result, infinite where it is worse than any.
        units: [n] in 0 … u − 1, each row's unit.
    """
    for i, j in itertools.combinations(range(values.shape[1]), 2):
        yield i, j, paired.over_units(paired.minus(values[:, i], values[:, j]), units)
