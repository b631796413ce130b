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
from analysis.vocabulary import INCEPTION, LOG_MSE, MSE, Floats, Measure

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
        algorithm: whose.
        configurations: with a score at both λ.
        mse, score: changes of log10 MSE and of the inception score, as verdicts of the family.
        reconstruction, generation: the shape of the way: mean Kendall's τ-b between λ and −MSE, and λ and the score
            (`lambda_effects.trends`), with Student's interval, 95 % by itself.
    """

    algorithm: str
    configurations: int
    mse: Verdict
    score: Verdict
    reconstruction: Interval
    generation: Interval

    @property
    def trades(self) -> Finding:
        """Whether MSE falls and the score falls by a difference of interest: both bounds say so, or one excludes it."""
        if (
            self.mse.answer is Answer.DIFFERS
            and self.mse.location.interval.high <= 0
            and self.score.exceeds(-1)
        ):
            return Finding.HOLDS
        if not self.score.reaches(-1) or not self.mse.reaches(-1):
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


def enough(study: Rows) -> bool:
    """Whether the study has the λ that a trend needs."""
    return study.has_lambda and sum(lam >= BEGIN for lam in study.lambdas) >= LEAST


def judged_changes(study: Rows) -> int:
    """How many changes with λ the report judges: two metrics of each algorithm that has it, and a claim's paired difference."""
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
    mse, score = (_table(study, algorithm, measure) for measure in (MSE, INCEPTION))
    changes = {measure: _changes(table, measure) for measure, table in ((LOG_MSE, mse), (INCEPTION, score))}
    return Exchange(
        algorithm,
        len(changes[INCEPTION]),
        family.judge(LOG_MSE, changes[LOG_MSE]),
        family.judge(INCEPTION, changes[INCEPTION]),
        mean_trend(-trends(mse.to_numpy(float))),
        mean_trend(trends(score.to_numpy(float))),
    )


def claim(study: Rows, first: str, second: str, family: Family) -> Claim:
    """The claim about two algorithms of a study with `enough` λ."""
    lambdas = [lam for lam in study.lambdas if lam >= BEGIN]
    pairs = paired.match(study.runs, first, second)
    start, end = (pairs.having(lam, INCEPTION).set_index(_SAME) for lam in (lambdas[0], lambdas[-1]))
    both = start.index.intersection(end.index)
    start, end = (table.loc[both].reset_index() for table in (start, end))
    with np.errstate(invalid="ignore"):  # one side DIVERGED at both λ: no change
        change = paired.pair_differences(end, INCEPTION) - paired.pair_differences(start, INCEPTION)
    units = paired.over_units(change, start[pairs.unit])
    return Claim(
        exchange(study, first, family), exchange(study, second, family), family.judge(INCEPTION, units)
    )


def _changes(table: pd.DataFrame, measure: Measure) -> Floats:
    """Last λ minus first of each configuration, on the measure's scale; one that DIVERGED at both has no change."""
    values = measure.scaled(table.to_numpy(float))
    with np.errstate(invalid="ignore"):
        found = values[:, -1] - values[:, 0]
    return found[~np.isnan(found)]


def _table(study: Rows, algorithm: str, measure: Measure) -> pd.DataFrame:
    return by_lambda(study, algorithm, measure).loc[:, lambda table: table.columns >= BEGIN]
