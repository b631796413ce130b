"""Histogram data: counts over bin edges that all algorithms and λ share, and a bin apart for what has no finite value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis import states
from analysis.rows import Rows
from analysis.vocabulary import DRAWN, LOG_FLOOR, Floats, Measure

_PER_DECADE = 8
_LINEAR_BINS = 40


@dataclass(frozen=True)
class Counts:
    """One algorithm's histogram at one λ.

    Attributes:
        counts: [bins] COMPLETED runs per bin; the last bin includes its right edge.
        diverged: DIVERGED runs, in a bin of their own with the infinite ones.
        infinite: COMPLETED runs with an infinite value.
        total: all of these: the denominator of every share.
    """

    counts: Floats
    diverged: int
    infinite: int
    total: int

    @property
    def shares(self) -> Floats:
        """[bins] shares of the total; with `apart_share` they sum to 1. Zeros for no runs."""
        return self.counts / max(self.total, 1)

    @property
    def apart_share(self) -> float:
        """Share that is DIVERGED or infinite."""
        return (self.diverged + self.infinite) / max(self.total, 1)


@dataclass(frozen=True)
class Histograms:
    """One measure's histograms.

    Attributes:
        measure: the metric; edges are equally spaced in log10 where it is a ratio.
        edges: [bins + 1], ascending, shared by every algorithm and λ.
        counts: (algorithm, λ) -> its counts.
    """

    measure: Measure
    edges: Floats
    counts: dict[tuple[str, float], Counts]


def log_edges(values: Floats) -> Floats:
    """Edges at eighths of a decade that enclose positive values [n], a decade or more; from 1 for none."""
    if not len(values):
        values = np.array([1.0])
    exponents = np.log10(np.clip(values, LOG_FLOOR, DRAWN[1])) * _PER_DECADE
    low = math.floor(exponents.min())
    high = max(math.floor(exponents.max()) + 1, low + _PER_DECADE)
    # Powers of the whole-numbered step: 10^(8/8) is exactly 10, so a value on an edge falls where it looks to fall.
    return np.asarray(10.0 ** (np.arange(low, high + 1) / _PER_DECADE))


def linear_edges(values: Floats) -> Floats:
    """Forty equal bins from the whole number below to the whole number above values [n]; of [0, 1] for none."""
    if not len(values):
        return np.linspace(0.0, 1.0, _LINEAR_BINS + 1)
    low, high = np.floor(values.min()), np.ceil(values.max())
    return np.linspace(low, max(high, low + max(1, 1e-6 * abs(low))), _LINEAR_BINS + 1)


def symmetric_edges(values: Floats) -> Floats:
    """Forty equal bins, symmetric about zero and with an edge at it, that enclose differences [n]; of [-1, 1] for none."""
    reach = float(np.max(np.abs(values), initial=0.0)) or 1.0
    return np.linspace(-reach, reach, _LINEAR_BINS + 1)


def histograms(study: Rows, measure: Measure) -> Histograms:
    """Histograms of one measure for every algorithm and λ in the rows, over shared edges.

    COMPLETED runs are binned by their value; infinite ones and DIVERGED ones, of a system that has the metric, are counted
    beside the bins and in the denominator. FAILED and STOPPED runs are no results and are left out.
    """
    having = study.having(measure.column)
    everyone = states.values(study.runs, measure)
    everyone = everyone[np.isfinite(everyone)]
    edges = log_edges(everyone) if measure.ratio else linear_edges(everyone)
    counts = {}
    for algorithm in study.algorithms:
        for lam in study.lambdas:
            group = study.group(algorithm, lam)
            ranked = states.ranked(group, measure, having)
            # Clipping moves only a ratio past the ends of a logarithmic axis, or one that rounding put past an edge.
            inside = np.clip(ranked[np.isfinite(ranked)], edges[0], edges[-1])
            infinite = states.infinite(group, measure.column)
            apart = int(np.isinf(ranked).sum())
            binned = np.histogram(inside, edges)[0].astype(float)
            counts[algorithm, lam] = Counts(binned, apart - infinite, infinite, len(inside) + apart)
    return Histograms(measure, edges, counts)
