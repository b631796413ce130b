"""Shares of variance with intervals over configurations, by the jackknife.

A share is a square, and too large on average: of nothing it has what noise adds up to. So its interval is of the root, and
reaches from below to above both the share and its jackknife estimate, from which that excess is taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analysis import estimates
from analysis.estimates import Interval
from analysis.linear_models import Term, analysis_of_variance, terms
from analysis.measures import Floats
from analysis.resampling import CONFIDENCE

GROUPS = 24
"""Groups of configurations that are left out one at a time; of fewer configurations a share has no interval."""

_MOST_COLUMNS = 300
"""Contrasts of all terms up to which intervals are computed: the time grows with their cube."""


def shares(values: Floats, factors: Mapping[str, Floats], units: npt.ArrayLike) -> dict[Term, Interval]:
    """Part of the sum of squares (η²) of every term and of the residual; none where the values cannot tell the terms apart.

    Args:
        values: [n], not all the same.
        factors: name -> its contrasts [n, levels − 1].
        units: [n], each row's configuration.
    """
    order = terms(list(factors))
    widths = {name: own.shape[1] for name, own in factors.items()}
    columns = 1 + sum(math.prod(widths[name] for name in term) for term in order if term)
    left_out = _groups(units) if columns <= _MOST_COLUMNS else []
    squares = analysis_of_variance(values, factors, left_out)
    if squares is None:
        return {}
    kept = [np.ones(len(values), bool), *(~group for group in left_out)]
    whole = np.array([np.sum((values[rows] - values[rows].mean()) ** 2) for rows in kept])
    found = squares / whole[:, None]
    return {term: share_interval(column) for term, column in zip(order, found.T, strict=True)}


def share_interval(found: Floats) -> Interval:
    """A share, first, and its interval from the shares without each group, [1 + g]; without bounds where one is missing."""
    share, without = max(float(found[0]), 0.0), found[1:]
    if not len(without) or not np.isfinite(found).all():
        return Interval(share, math.nan, math.nan)
    count = len(without)
    corrected = count * share - (count - 1) * float(without.mean())
    spread = math.sqrt((count - 1) / count * float(np.sum((without - without.mean()) ** 2)))
    roots = [math.sqrt(min(max(value, 0.0), 1.0)) for value in (share, corrected)]
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * spread / (2 * roots[0]) if share else 0.0
    low, high = max(min(roots) - half, 0.0), min(max(roots) + half, 1.0)
    return Interval(share, low**2, high**2)


def _groups(units: npt.ArrayLike) -> list[npt.NDArray[np.bool_]]:
    """Rows of random groups of configurations of one size, or one more; none of fewer configurations than GROUPS."""
    _, index = np.unique(np.asarray(units), return_inverse=True)
    count = int(index.max()) + 1
    if count < GROUPS:
        return []
    group = estimates.generator("groups", count).permutation(count) % GROUPS
    return [group[index] == number for number in range(GROUPS)]
