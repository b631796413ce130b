"""Does a system trade generation for reconstruction as λ grows? A named statistic with its interval.

Source: Chen et al. (sVAE, later version) §6.4 and figure 7: both systems reconstruct better as λ grows, ALICE's
inception score falls with it, sVAE-r's does not. Below some λ a system does not reconstruct at all and both metrics
rise with λ; the trends begin at λ = 0.1, where §6.1 has both systems reconstruct.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis import estimates, paired
from analysis.estimates import Interval
from analysis.lambda_effects import by_lambda, mean_trend, trends
from analysis.measures import INCEPTION, MSE, Floats, Measure
from analysis.rows import Rows

BEGIN = 0.1
"""The smallest λ of the trends."""

LEAST = 3
"""λ from BEGIN up that a trend needs."""


@dataclass(frozen=True)
class Exchange:
    """Mean over configurations of Kendall's τ-b between λ and a metric (`lambda_effects.trends`), BCa intervals.

    Attributes:
        algorithm: whose.
        configurations: with a trend in both metrics.
        reconstruction: of −MSE: positive where reconstruction improves with λ.
        generation: of the inception score: negative where generation worsens with λ.
    """

    algorithm: str
    configurations: int
    reconstruction: Interval
    generation: Interval

    @property
    def trades(self) -> bool:
        """Whether both intervals exclude zero, reconstruction's upwards and generation's downwards."""
        return self.reconstruction.low > 0 and self.generation.high < 0


@dataclass(frozen=True)
class Claim:
    """The paper's claim about two systems.

    Attributes:
        first, second: their exchanges; the claim is that the second trades and the first does not.
        difference: mean over configurations of generation's τ, first − second, over the pairs that both have; BCa interval.
    """

    first: Exchange
    second: Exchange
    difference: Interval

    @property
    def holds(self) -> bool:
        """The second trades, the first does not, and the paired difference excludes zero upwards."""
        return self.second.trades and not self.first.trades and self.difference.low > 0


def enough(study: Rows) -> bool:
    """Whether the study has the λ that a trend needs."""
    return sum(lam >= BEGIN for lam in study.lambdas) >= LEAST


def exchange(study: Rows, algorithm: str) -> Exchange:
    """One algorithm's trends in both metrics, of a study with `enough` λ."""
    tables = [_table(study, algorithm, measure) for measure in (MSE, INCEPTION)]
    either = tables[0].index.union(tables[1].index)  # a system may have one of the two metrics alone
    mse, score = (trends(table.reindex(either).to_numpy(float)) for table in tables)
    mse = -mse
    name = ("exchange", algorithm)
    return Exchange(
        algorithm,
        int(np.sum(~np.isnan(mse) & ~np.isnan(score))),
        mean_trend(mse, estimates.generator(*name, "reconstruction")),
        mean_trend(score, estimates.generator(*name, "generation")),
    )


def claim(study: Rows, first: str, second: str) -> Claim:
    """The claim about two algorithms of a study with `enough` λ."""
    matched = paired.match(study.runs, first, second).table[paired.KEY]
    both = replace(study, runs=study.runs.merge(matched, on=paired.KEY))
    tables = [_table(both, name, INCEPTION) for name in (first, second)]
    there = tables[0].notna() & tables[1].notna()
    taus: list[Floats] = [trends(table.where(there).reindex(there.index).to_numpy(float)) for table in tables]
    rng = estimates.generator("exchange", first, second)
    return Claim(exchange(study, first), exchange(study, second), mean_trend(taus[0] - taus[1], rng))


def _table(study: Rows, algorithm: str, measure: Measure) -> pd.DataFrame:
    return by_lambda(study, algorithm, measure).loc[:, lambda table: table.columns >= BEGIN]
