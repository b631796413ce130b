"""Does a system trade generation for reconstruction as λ grows? Changes in the metrics' own units, judged against margins.

Source: Chen et al. (sVAE, later version) §6.4 and figure 7: both systems reconstruct better as λ grows, ALICE's
inception score falls with it, sVAE-r's does not. Below some λ a system does not reconstruct at all and both metrics
rise with λ; the trends begin at λ = 0.1, where §6.1 has both systems reconstruct.

That a score does not fall is not what a test shows by failing to reject: it is a bound on how much it can fall
(non-inferiority). A claim is made of such bounds and holds, does not hold, or is undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.comparison import paired
from analysis.comparison.trends import by_lambda, mean_trend, trends
from analysis.comparison.verdicts import Answer, Family, Verdict
from analysis.rows import Rows
from analysis.statistics.estimates import Interval
from analysis.vocabulary import Floats, Measure

BEGIN = 0.1
"""The smallest λ of the trends."""

_SAME = ["configuration_key", "seed", "data_version"]

LEAST = 3
"""λ from BEGIN up that a trend needs."""


class Finding(StrEnum):
    """What the bounds say of a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "is undecided"


@dataclass(frozen=True)
class Exchange:
    """One algorithm's change over configurations from the smallest to the largest λ of the trends.

    Attributes:
        algorithm: that changes.
        configurations: with a score at both λ; of one configuration, its seeds.
        error, score: changes of the logarithm of the error of reconstruction and of the score of generation, as verdicts of
            the family.
        reconstruction, generation: mean Kendall's τ-b between λ and each metric, turned so that +1 improves (`trends`),
            with Student's interval, 95 % by itself.
    """

    algorithm: str
    configurations: int
    error: Verdict
    score: Verdict
    reconstruction: Interval
    generation: Interval

    @property
    def trades(self) -> Finding:
        """Whether the error falls and the score worsens by a difference of interest: both bounds say so, or one excludes it."""
        worse = -self.score.measure.better
        if (
            self.error.answer is Answer.DIFFERS
            and self.error.location.interval.high <= 0
            and self.score.exceeds(worse)
        ):
            return Finding.HOLDS
        if not self.score.reaches(worse) or not self.error.reaches(-1):
            return Finding.FAILS
        return Finding.UNDECIDED


@dataclass(frozen=True)
class Claim:
    """The paper's claim about two systems.

    Attributes:
        first, second: their exchanges; the claim is that the second trades and the first does not.
        difference: change of the score, first − second, paired over configuration and seed, as a verdict of the family.
    """

    first: Exchange
    second: Exchange
    difference: Verdict

    @property
    def finding(self) -> Finding:
        """HOLDS where the second trades and the first is shown not to; FAILS where either is shown the other way."""
        if self.second.trades is Finding.HOLDS and self.first.trades is Finding.FAILS:
            return Finding.HOLDS
        if self.second.trades is Finding.FAILS or self.first.trades is Finding.HOLDS:
            return Finding.FAILS
        return Finding.UNDECIDED


def traded(study: Rows) -> tuple[Measure, Measure] | None:
    """The error of reconstruction and the score of generation: the first headline metric that is a ratio and better where
    smaller, and the first that is none; None where the study lacks either."""
    errors = [m for m in study.headline if m.ratio and m.better < 0]
    scores = [m for m in study.headline if not m.ratio]
    return (errors[0], scores[0]) if errors and scores else None


def enough(study: Rows) -> bool:
    """Whether the study has the metrics and the λ that a trend needs."""
    return (
        study.has_lambda and traded(study) is not None and sum(lam >= BEGIN for lam in study.lambdas) >= LEAST
    )


def judged_changes(study: Rows) -> int:
    """Number of changes with λ that the report judges: two metrics of each algorithm with λ, and a claim's paired difference."""
    if not enough(study):
        return 0
    return 2 * len(moving(study)) + claims(study, paired.choose_pair(study))


def moving(study: Rows) -> list[str]:
    """Algorithms that have λ, which alone can change with it."""
    return [name for name in study.algorithms if name not in study.level]


def claims(study: Rows, pair: tuple[str, str] | None) -> bool:
    """Whether a claim is made of how two algorithms change with λ: both have it."""
    return pair is not None and study.level.isdisjoint(pair)


def exchange(study: Rows, algorithm: str, family: Family) -> Exchange:
    """One algorithm's changes and trends in both metrics, of a study with `enough` λ."""
    error, score = required(study)
    tables = [_table(study, algorithm, measure) for measure in (error, score)]
    scores = _changes(tables[1], score)
    return Exchange(
        algorithm,
        len(scores),
        family.judge(error.compared, _changes(tables[0], error.compared)),
        family.judge(score, scores),
        mean_trend(error.better * trends(tables[0].to_numpy(float))),
        mean_trend(score.better * trends(tables[1].to_numpy(float))),
    )


def claim(study: Rows, first: str, second: str, family: Family) -> Claim:
    """The claim about two algorithms of a study with `enough` λ."""
    _, score = required(study)
    lambdas = [lam for lam in study.lambdas if lam >= BEGIN]
    pairs = paired.match(study, first, second)
    start, end = (pairs.having(lam, score).set_index(_SAME) for lam in (lambdas[0], lambdas[-1]))
    both = start.index.intersection(end.index)
    start, end = (table.loc[both].reset_index() for table in (start, end))
    with np.errstate(invalid="ignore"):  # one side DIVERGED at both λ: no change
        change = paired.pair_differences(end, score) - paired.pair_differences(start, score)
    units = paired.over_units(change, start[pairs.unit])
    return Claim(exchange(study, first, family), exchange(study, second, family), family.judge(score, units))


def required(study: Rows) -> tuple[Measure, Measure]:
    """`traded` of a study that has both. Raises ValueError where it has not."""
    found = traded(study)
    if found is None:
        raise ValueError(
            "a trade needs an error of reconstruction and a score in the study's headline, got none"
        )
    return found


def _changes(table: pd.DataFrame, measure: Measure) -> Floats:
    """Last λ minus first of each configuration, on the measure's scale; one that DIVERGED at both has no change."""
    values = measure.scaled(table.to_numpy(float))
    with np.errstate(invalid="ignore"):
        found = values[:, -1] - values[:, 0]
    return found[~np.isnan(found)]


def _table(study: Rows, algorithm: str, measure: Measure) -> pd.DataFrame:
    return by_lambda(study, algorithm, measure).loc[:, lambda table: table.columns >= BEGIN]
