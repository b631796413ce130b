"""Ranks of a study's systems: each ranked among all, within each configuration and seed; nothing is drawn.

Source: Demšar 2006 (JMLR 7), who ranks classifiers within data sets. Here the units are configurations, or the seeds of
a study with one configuration; of several seeds a configuration has the mean of their ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.statistics import estimates
from analysis.statistics.blocks import KEY, Sides, aligned, numbered
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import LEAST, bounded_mean
from analysis.vocabulary import Floats, Measure

LEAST_SYSTEMS = 3
"""Systems from which a report ranks them: two are a pair."""


@dataclass(frozen=True)
class Ranking:
    """Mean ranks by one measure at one λ.

    Attributes:
        lam: the λ.
        measure: the measure.
        systems: those that have the measure, and a result at this λ.
        unit: 'configurations' or 'seeds', which intervals are over.
        units: their number.
        left_out: configurations and seeds of which one of the systems has no result.
        mean: system -> its mean rank, 1 being best, in this order; empty where no unit has a result of every system.
    """

    lam: float
    measure: Measure
    systems: tuple[str, ...]
    unit: str
    units: int
    left_out: int
    mean: dict[str, Interval]

    @property
    def judged(self) -> bool:
        """Whether there are units enough for verdicts."""
        return self.units >= LEAST


def rank(sides: Sides, measure: Measure, unit: str) -> list[Ranking]:
    """The ranking at every λ at which two systems or more have a result.

    Args:
        sides: of the measure (`blocks.gains`), of the systems that have it.
        measure: the measure.
        unit: column of KEY: of what is independent.
    """
    found = []
    for lam in sorted({lam for own in sides.values() for lam in own}):
        given = {name: own[lam] for name, own in sides.items() if lam in own}
        if len(given) < 2:
            continue
        table = aligned(given)
        whole = table.dropna()
        means = mean_ranks(whole.to_numpy(float), numbered(whole, unit)) if len(whole) else []
        best_first = sorted(zip(given, means, strict=False), key=lambda one: one[1].point)
        units = whole.index.get_level_values(unit).nunique()
        word = "configurations" if unit == KEY[0] else "seeds"
        found.append(
            Ranking(lam, measure, tuple(given), word, units, len(table) - len(whole), dict(best_first))
        )
    return found


def mean_ranks(gains: Floats, units: npt.NDArray[np.intp]) -> list[Interval]:
    """Mean rank of each of k systems with its interval over units, [k].

    A rank counts the other systems that are better, and half of those that are as good, and the interval is that of
    their share: Wilson's, with Student's quantile (`locations.bounded_mean`).

    Args:
        gains: results [n, k], larger is better, those of one row under the same conditions; −∞ is worst. k > 1.
        units: [n] in 0 … u − 1, each row's unit.
    """
    others = gains.shape[1] - 1
    ranks = stats.rankdata(-gains, axis=1)
    beaten = [
        bounded_mean(estimates.cluster_means((column - 1) / others, units), others) for column in ranks.T
    ]
    return [Interval(*(1 + others * end for end in (one.point, one.low, one.high))) for one in beaten]
