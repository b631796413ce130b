"""How many configurations would have done: how often a smaller study comes to the verdict of the whole one.

From LEAST units up a verdict takes of its differences only how many are on either side of 0 and of the smallest difference of interest, so
that every size of a smaller study is read off one random order of the units: its first n.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr
from scipy.stats import binom

from analysis.comparison.verdicts import Answer, Verdict
from analysis.statistics.locations import LEAST_OF_MEDIAN
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats

LEAST = LEAST_OF_MEDIAN
"""Units from which a study is judged by its median, and is taken for one that would have done or not."""

ORDERS = 400
"""Random orders; the standard error of a share is 2.5 % at most."""

_BATCH = 50

Counts = npt.NDArray[np.int64]
"""Of differences: at most −smallest, up to 0, 0, below smallest, at least smallest; [..., 5]."""


@dataclass(frozen=True)
class Agreement:
    """How often smaller studies decide as the whole one does.

    Attributes:
        shares: [N], of random parts of n = 0 … N − 1 units, drawn without replacement; NaN below LEAST.
        anew: of studies of N units drawn with replacement: how often the same study, done again, would decide so.
    """

    shares: Floats
    anew: float

    def least(self, share: float) -> int | None:
        """The fewest units from which on this share of the parts agrees; None where it takes all of them."""
        short = np.flatnonzero(~(self.shares >= share))
        return int(short[-1]) + 1 if short[-1] + 1 < len(self.shares) else None


def agreement(units: Floats, verdict: Verdict, rng: Generator) -> Agreement | None:
    """Agreement with a verdict; None where it is undecided, or no part has LEAST units.

    Args:
        units: [N], the differences that the verdict is on.
        verdict: of a measure that has a smallest difference of interest.
        rng: source of the parts.
    """
    size, smallest = len(units), verdict.smallest
    if size <= LEAST or smallest is None or verdict.answer is Answer.UNDECIDED:
        return None
    side = (units > -smallest).astype(int) + (units >= 0) + (units > 0) + (units >= smallest)
    each = np.eye(5, dtype=np.int64)[side]
    confidence = verdict.location.confidence
    whole = decisions(each.sum(axis=0), confidence)
    agreeing = np.zeros(size - 1)
    for _ in range(ORDERS // _BATCH):
        orders = rng.permuted(np.tile(side, (_BATCH, 1)), axis=1)[:, :-1]
        counts = np.cumsum(orders[..., None] == np.arange(5), axis=1)
        agreeing += np.sum(decisions(counts, confidence) == whole, axis=0)
    shares = np.concatenate([[0.0], agreeing / ORDERS])
    shares[:LEAST] = np.nan
    anew = rng.multinomial(size, each.mean(axis=0), ORDERS)
    return Agreement(shares, float(np.mean(decisions(anew, confidence) == whole)))


def decisions(counts: Counts, confidence: float) -> Counts:
    """Verdicts of LEAST units and more: 1 higher, −1 lower, 2 equivalent, 0 undecided; [...] of counts [..., 5]."""
    low, below, zero, above, high = np.moveaxis(counts, -1, 0)
    less, more = low + below, above + high
    total = less + zero + more
    depths = _depths(int(total.max()), 1 - confidence)
    differs = np.minimum(less, more) < depths[less + more]
    within = np.maximum(low, high) < depths[total]
    return np.where(differs, np.sign(more - less), 2 * within)


@lru_cache
def _depths(most: int, alpha: float) -> Counts:
    """The k of the sign test's interval from k-th smallest to k-th largest of n = 0 … most values; 0 for none."""
    n = np.arange(most + 1)
    first = np.maximum(binom.ppf(alpha / 2, n, 0.5), 0).astype(np.int64)  # whose lower tail reaches alpha / 2
    return first + (2 * bdtr(first, n, 0.5) <= alpha)
