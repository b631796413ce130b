"""Looking early: levels at which a study can be judged while it trains, so that all looks together err no more than one.

A verdict is read off an interval of a median whose test is the sign test. The values below the true median are a fair coin's, and a later
look has those of an earlier one among its own; so the probability that any look's interval misses the median is that of a random
walk leaving its bounds, which is summed here exactly. After n of N units α · n / N of the error is spent at most (Lan & DeMets
1983, with the spending function of Kim & DeMets 1987 whose power is 1): what a look leaves unspent the next one has.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from scipy import stats
from scipy.special import bdtr

ROUNDING = 1 + 1e-9
"""A level is a p value that the sign test has, and is to reject at it."""


@lru_cache
def levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Two-sided levels of the tests at each look, which together reject a true median with probability ≤ alpha.

    Args:
        looks: units at each, ascending; the last is all that are planned.
        alpha: of one comparison over all looks.
    """
    alive = np.ones(1)  # probability of each count of values below the median, where no look has rejected it
    spent, found = 0.0, []
    for before, units in itertools.pairwise((0, *looks)):
        new = units - before
        alive = np.convolve(alive, stats.binom.pmf(np.arange(new + 1), new, 0.5))
        rejected = 2 * np.cumsum(
            alive[: units // 2]
        )  # by a bound after each count, and the like on the other side
        depth = int(np.searchsorted(rejected, alpha * units / looks[-1] - spent, side="right"))
        found.append(2 * float(bdtr(depth - 1, units, 0.5)) * ROUNDING if depth else 0.0)
        if depth:
            spent += float(rejected[depth - 1])
            alive[:depth] = alive[-depth:] = 0.0
    return tuple(found)


def level(looks: tuple[int, ...], units: int, alpha: float) -> float:
    """The level after so many units: that of the first look that has as many or more, of the last where none has."""
    place = next((k for k, planned in enumerate(looks) if planned >= units), len(looks) - 1)
    return levels(looks, alpha)[place]
