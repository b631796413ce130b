"""Shares of variance with intervals over configurations, by the jackknife."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import chndtrinc, ndtri, stdtrit

from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.linear_models import RESIDUAL, Cells, Term, analysis_of_variance, terms
from analysis.statistics.resampling import CONFIDENCE
from analysis.vocabulary import Floats

GROUPS = 24
"""Groups of configurations that are left out one at a time; of fewer configurations a share has no interval."""

_TAILS = ((1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2)

_LEAST_NOISE = 1e-5
"""Part of a share that its noise is taken for at least: of less the noncentral χ² is not computed."""

_MOST_COLUMNS = 300
"""Contrasts of all terms up to which intervals are computed: the time grows with their cube."""


def shares(values: Cells, factors: Mapping[str, Floats], units: npt.ArrayLike) -> dict[Term, Interval]:
    """Part of the sum of squares (η²) of every term and of the residual; none where the values cannot tell the terms apart.

    Args:
        values: in c cells, not all the same.
        factors: name -> its contrasts [c, levels − 1].
        units: [c], each cell's configuration.
    """
    order = terms(list(factors))
    widths = {term: math.prod(factors[name].shape[1] for name in term) for term in order if term}
    columns = 1 + sum(widths.values())
    left_out = _groups(units) if columns <= _MOST_COLUMNS else []
    squares = analysis_of_variance(values, factors, left_out)
    if squares is None:
        return {}
    kept = [values, *(values.among(~group) for group in left_out)]
    whole, counts = np.array([one.squares for one in kept]), np.array([one.rows for one in kept])
    found = dict(zip(order, (squares / whole[:, None]).T, strict=True))
    intervals = {term: share_interval(found[term], width) for term, width in widths.items()}
    return intervals | {RESIDUAL: residual_interval(found[RESIDUAL], (counts - 1) / (counts - columns))}


def share_interval(found: Floats, freedom: int) -> Interval:
    """The share of a term of so many degrees of freedom, first, and its interval from those without each group, [1 + g].

    A share is the sum of so many squares, each of something and noise. The jackknife says how large the noise is, and the
    noncentral χ² what the share can be without it. No bounds where one of the shares is missing.
    """
    share, error = max(float(found[0]), 0.0), _error(found)
    if math.isnan(error):
        return Interval(share, math.nan, math.nan)
    if not share:
        return Interval(0.0, 0.0, 0.0)
    wide = _student(found) / float(ndtri(_TAILS[0]))  # as noise is known from so many groups
    noise = max((wide * error) ** 2 / (4 * share), share * _LEAST_NOISE)  # of a root, to first order
    low, high = (noise * round(float(chndtrinc(share / noise, freedom, tail)), 6) for tail in _TAILS)
    return Interval(share, low, min(max(high, share), 1.0))


def residual_interval(found: Floats, adjustment: Floats) -> Interval:
    """The residual's share, first, and its interval from those without each group, both [1 + g].

    It is too small by the noise that terms take up: the interval is of the shares times the adjustment for their degrees of
    freedom, by the jackknife of its logarithm, and reaches to the share itself.
    """
    share, adjusted = max(float(found[0]), 0.0), found * adjustment
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = float(np.exp(_student(found) * _error(np.log(adjusted))))
    if math.isnan(factor):
        return Interval(share, factor, factor)
    return Interval(share, min(share, float(adjusted[0]) / factor), min(float(adjusted[0]) * factor, 1.0))


def _error(found: Floats) -> float:
    """Standard error of a statistic, first, by those without each group, [1 + g]; NaN where one is missing."""
    without = found[1:]
    if not len(without):
        return math.nan
    return math.sqrt((len(without) - 1) * float(np.var(without)))


def _student(found: Floats) -> float:
    return float(stdtrit(max(len(found) - 2, 1), _TAILS[0]))


def _groups(units: npt.ArrayLike) -> list[npt.NDArray[np.bool_]]:
    """Rows of random groups of configurations of one size, or one more; none of fewer configurations than GROUPS."""
    index = estimates.numbered(units)
    count = int(index.max()) + 1
    if count < GROUPS:
        return []
    group = estimates.generator("groups", count).permutation(count) % GROUPS
    return [group[index] == number for number in range(GROUPS)]
