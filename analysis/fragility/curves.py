"""Curves over λ, one per configuration and seed: read off at equal reconstruction, at another λ, and by their area.

Pure functions on arrays [n, L], λ ascending: costs on a logarithmic scale, gains of which more is better. A DIVERGED run
has the cost +∞ and the gain −∞; NaN is a run that is not there.
"""

from __future__ import annotations

import numpy as np

from analysis.vocabulary import Floats


def at_cost(costs: Floats, gains: Floats, level: float, floor: float) -> Floats:
    """The gain where each curve first crosses a cost as λ grows, linear in between: [n].

    A curve that does not cross it has NaN; the floor, if a run of it DIVERGED: it may have crossed it there.
    """
    before, after = costs[:, :-1], costs[:, 1:]
    finite = np.isfinite(before) & np.isfinite(after)
    crossed = finite & ((np.where(finite, before, 0) - level) * (np.where(finite, after, 0) - level) <= 0)
    line, place = np.arange(len(costs)), crossed.argmax(axis=1)
    low, high = before[line, place], after[line, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(low == high, 0.0, (level - low) / (high - low))
        value = gains[line, place] + part * (gains[line, place + 1] - gains[line, place])
    missed = np.where(np.isposinf(costs).any(axis=1), floor, np.nan)
    return np.where(crossed.any(axis=1), value, missed)


def at_lambda(lambdas: Floats, values: Floats, lam: float) -> Floats:
    """Values [n, L] at a λ within the range of positive λ [L], linear in log λ; −∞ beside a DIVERGED run: [n]."""
    after = min(int(np.searchsorted(lambdas, lam)), len(lambdas) - 1)
    if lambdas[after] == lam:
        return values[:, after]
    part = np.log(lam / lambdas[after - 1]) / np.log(lambdas[after] / lambdas[after - 1])
    return np.asarray((1 - part) * values[:, after - 1] + part * values[:, after])


def hypervolume(costs: Floats, gains: Floats, cost: float, gain: float) -> Floats:
    """Area that each curve's points dominate above a reference point (cost, gain), [n]; a DIVERGED run adds none.

    Source: Zitzler & Thiele 1999.
    """
    depth = np.where(np.isfinite(costs), np.maximum(cost - costs, 0), 0)
    height = np.where(np.isfinite(gains), np.maximum(gains - gain, 0), 0)
    order = np.argsort(-depth, axis=1)
    depth, height = (np.take_along_axis(side, order, axis=1) for side in (depth, height))
    steps = depth - np.pad(depth[:, 1:], ((0, 0), (0, 1)))
    return np.asarray((steps * np.maximum.accumulate(height, axis=1)).sum(axis=1))
