"""Best of k chosen on one seed and measured on the others: what a search keeps of what it found.

A run that was chosen for its score was also lucky; its other seeds were not chosen for anything. Of more than CHOOSING seeds
the first so many choose, one at a time, and all others are fresh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fragility.statistics import Counts, Ordered, interval, resampled
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.blocks import KEY, gains
from analysis.statistics.estimates import Interval
from analysis.vocabulary import Floats, Measure

CHOOSING = 10


@dataclass(frozen=True)
class Reevaluated:
    """The best of k configurations, averaged over which of CHOOSING seeds chooses.

    Attributes:
        k: configurations drawn, with replacement.
        chosen: expected value on the seed that chose; natural scale but for the logarithm of a logarithmic measure.
        fresh: expected mean over the other seeds.
        lost: fresh − chosen.
    """

    k: int
    chosen: Interval
    fresh: Interval
    lost: Interval


def reevaluated(
    study: Rows, algorithm: str, lam: float, measure: Measure, steps: tuple[int, ...]
) -> list[Reevaluated]:
    """For each k of `steps` up to the number of configurations; of those with a result on every seed.

    A DIVERGED run counts as the worst value of any system at this λ, as in `budget`. Empty for one seed.
    """
    table = _by_seed(study, algorithm, lam, measure)
    if table.shape[1] < 2 or len(table) < 2:
        return []
    sides = []
    for seed in table.columns[:CHOOSING]:
        chosen = table[seed].to_numpy(float)
        fresh = table.drop(columns=seed).mean(axis=1)
        sides.append(
            (chosen, fresh.groupby(chosen).transform("mean").to_numpy(float))
        )  # ties are drawn alike
    kept = [k for k in steps if k <= len(table)]
    rng = estimates.generator("fresh seeds", algorithm, lam, measure.label)
    found = measure.better * resampled(lambda counts: _expected(sides, counts, kept), len(table), rng)
    pairs = [(found[:, 2 * i], found[:, 2 * i + 1]) for i in range(len(kept))]
    return [
        Reevaluated(k, interval(chosen), interval(fresh), interval(_lost(chosen, fresh)))
        for k, (chosen, fresh) in zip(kept, pairs, strict=True)
    ]


def _lost(chosen: Floats, fresh: Floats) -> Floats:
    """Fresh − chosen, 0 where they agree but for rounding: of one configuration nothing is chosen."""
    difference = fresh - chosen
    return np.where(np.abs(difference) <= estimates.ROUNDING * np.abs(chosen), 0.0, difference)


def _expected(sides: list[tuple[Floats, Floats]], counts: Counts, steps: list[int]) -> Floats:
    """Expected chosen and fresh gain of each k, in turn, averaged over the choosing seeds: [b, 2 K].

    The best of k draws from the ordered values is at most the i-th with probability (mass up to it / n)^k.
    """
    units = np.arange(counts.shape[1])
    total = np.zeros((len(counts), 2 * len(steps)))
    for chosen, fresh in sides:
        ordered = Ordered(chosen, units, -np.inf)
        share = ordered.mass(counts) / len(units)
        for i, k in enumerate(steps):
            probability = np.diff(share**k, axis=1)
            total[:, 2 * i] += probability @ ordered.values
            total[:, 2 * i + 1] += probability @ fresh[ordered.units]
    return total / len(sides)


def _by_seed(study: Rows, algorithm: str, lam: float, measure: Measure) -> pd.DataFrame:
    """Gains, one row per configuration and column per seed."""
    sides = gains(study, measure)
    if lam not in sides.get(algorithm, {}):
        return pd.DataFrame()
    everyone = np.concatenate([own[lam].to_numpy(float) for own in sides.values() if lam in own])
    finite = everyone[np.isfinite(everyone)]
    if not len(finite):
        return pd.DataFrame()
    return sides[algorithm][lam].clip(lower=float(finite.min())).unstack(KEY[1]).dropna()
