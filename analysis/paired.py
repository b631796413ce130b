"""The paired comparison of two algorithms: the same configuration, λ and seed under both is one pair.

How divergence counts: a pair with a DIVERGED side has no difference of metrics; it is left out of the estimate,
its number is stated, and it decides McNemar's test on divergence and the worst-rank analysis, in which a DIVERGED
side is worse than any value and two of them tie. A pair with a FAILED, STOPPED or missing side is not yet a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import estimates, resampling, rows, states
from analysis.estimates import Interval
from analysis.measures import Floats, Measure
from result_schema import FURTHER_METRICS, METRICS, Outcome

KEY = ["configuration_key", "lam", "seed", "data_version"]
_PREFERRED = (("svae_r", "alice"), ("svae", "ali"), ("avb", "vae"), ("aavae", "vae"), ("iwgan", "gan"),
              ("aacvae", "cvae"), ("iwcgan", "cgan"), ("aassvae", "ssvae"), ("avb_ac", "vae"), ("vae_flow", "vae"),
              ("avb", "vae_full_rank"), ("vae_full_rank", "vae"), ("avb_prior", "avb"), ("avb_ac_prior", "avb_ac"))  # fmt: skip
"""What the papers compare, in this order."""


@dataclass(frozen=True)
class Pairs:
    """Matched results of two algorithms.

    Attributes:
        first, second: algorithms; every difference is first − second.
        table: one row per pair: KEY, `configuration`, and `outcome` and the metrics with suffix _first, _second.
        unmatched: λ -> keys seen under either algorithm whose other side is FAILED, STOPPED or not there.
        lacking: metrics that one of the two has not (`states.systems_with`): nothing to compare, and nothing to lose by a
            divergence.
    """

    first: str
    second: str
    table: pd.DataFrame
    unmatched: dict[float, int]
    lacking: frozenset[str] = frozenset()

    @property
    def lambdas(self) -> list[float]:
        return sorted(self.unmatched)

    def at(self, lam: float) -> pd.DataFrame:
        """The pairs at one λ."""
        return self.table[self.table["lam"] == lam]

    def having(self, lam: float, measure: Measure) -> pd.DataFrame:
        """The pairs at one λ, or none of a metric that a side has not."""
        here = self.at(lam)
        return here.iloc[:0] if measure.column in self.lacking else here

    @property
    def unit(self) -> str:
        """The column of what is independent in these pairs (`rows.unit`), whatever part of them DIVERGED."""
        return rows.unit(self.table)


@dataclass(frozen=True)
class WorstRank:
    """The comparison with no pair left out: units are configurations, seeds having been averaged.

    Attributes:
        wins, ties, losses: configurations in which the first algorithm is better, equal, worse.
        sign_p: exact sign test of wins against losses.
        signed_rank_p: Wilcoxon's test, a DIVERGED side counting more than any finite difference.
    """

    wins: int
    ties: int
    losses: int
    sign_p: float
    signed_rank_p: float


@dataclass(frozen=True)
class Difference:
    """First − second of one measure at one λ.

    Attributes:
        pairs, configurations: those whose two sides are COMPLETED with a value; of one configuration, its seeds.
        unit: 'configurations' or 'seeds', what is counted there and what the intervals and tests are over.
        diverged: pairs left out because a side DIVERGED.
        median, mean: of the configurations' differences (seeds averaged first), BCa intervals; no interval where one is
            infinite.
        signed_rank_p: Wilcoxon's test on the same differences; NaN where one is infinite.
        better_share: share of those pairs in which the first is strictly better; NaN for none.
        worst_rank: the same question with the DIVERGED sides ranked worst.
    """

    lam: float
    measure: Measure
    pairs: int
    configurations: int
    unit: str
    diverged: int
    median: Interval
    mean: Interval
    signed_rank_p: float
    better_share: float
    worst_rank: WorstRank


@dataclass(frozen=True)
class Divergence:
    """Divergence of both sides over all pairs at one λ, with McNemar's exact two-sided p."""

    lam: float
    neither: int
    first_only: int
    second_only: int
    both: int
    p: float


def choose_pair(algorithms: list[str]) -> tuple[str, str] | None:
    """Which two algorithms to compare, as (first, second).

    The first of _PREFERRED that is there, sVAE-r − ALICE before all, else the first two by name, the later minus the
    earlier; None for fewer than two algorithms.
    """
    for first, second in _PREFERRED:
        if first in algorithms and second in algorithms:
            return first, second
    names = sorted(algorithms)
    return (names[1], names[0]) if len(names) > 1 else None


def published_pairs(algorithms: list[str]) -> list[tuple[str, str]]:
    """Every pair that a paper compares, or the one of `choose_pair` where there is none."""
    found = [pair for pair in _PREFERRED if set(pair) <= set(algorithms)]
    chosen = choose_pair(algorithms)
    return found or ([chosen] if chosen else [])


def match(runs: pd.DataFrame, first: str, second: str) -> Pairs:
    """Matches the results of two algorithms on configuration, λ, seed and data version.

    Args:
        runs: rows of any algorithm and outcome, of one budget, one row per run.
        first, second: algorithms in `runs`.
    """
    measured = [name for name in (*METRICS, *FURTHER_METRICS) if name in runs]
    columns = [*KEY, "configuration", "outcome", *measured]
    everyone = runs[runs["algorithm"].isin([first, second])]
    sides = [rows.results(runs[runs["algorithm"] == name])[columns] for name in (first, second)]
    table = sides[0].merge(sides[1].drop(columns="configuration"), on=KEY, suffixes=("_first", "_second"),
                           validate="one_to_one")  # fmt: skip
    declared = everyone[KEY].drop_duplicates()["lam"].value_counts()
    matched = table["lam"].value_counts()
    unmatched = {float(lam): int(count - matched.get(lam, 0)) for lam, count in declared.items()}
    lacking = frozenset(
        name for name in measured if not {first, second} <= states.systems_with(everyone, name)
    )
    return Pairs(first, second, table.sort_values(KEY, ignore_index=True), unmatched, lacking)


def differences(pairs: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """First − second of a measure for the pairs that COMPLETED with two values: KEY and `difference`, on the measure's scale.

    Infinite where one side is; 0 where both are.
    """
    first, second = _sides(pairs, measure)
    kept = ~np.isnan(first) & ~np.isnan(second) & ~_diverged(pairs, "first") & ~_diverged(pairs, "second")
    table = pairs.loc[kept, KEY].copy()
    table["difference"] = _difference(first[kept], second[kept], measure)
    return table


def compare(pairs: Pairs, lam: float, measure: Measure) -> Difference:
    """The paired comparison of one measure at one λ; NaN throughout where there is no pair."""
    here = pairs.having(lam, measure)
    table = differences(here, measure)
    values = table["difference"].to_numpy(float)
    units = estimates.cluster_means(values, table[pairs.unit])
    name = ("paired", pairs.first, pairs.second, lam, measure.label)
    better = float(np.mean(measure.better * values > 0)) if len(values) else float("nan")
    return Difference(
        lam=lam,
        measure=measure,
        pairs=len(values),
        configurations=len(units),
        unit="seeds" if pairs.unit == "seed" and pairs.table["seed"].nunique() > 1 else "configurations",
        diverged=int(np.sum(_diverged(here, "first") | _diverged(here, "second"))),
        median=estimates.bca(units, resampling.medians, estimates.generator(*name, "median")),
        mean=estimates.bca(units, resampling.means, estimates.generator(*name, "mean")),
        signed_rank_p=estimates.signed_rank_p(units) if np.isfinite(units).all() else float("nan"),
        better_share=better,
        worst_rank=worst_rank(here, measure, pairs.unit),
    )


def one_sided(pairs: pd.DataFrame, measure: Measure) -> tuple[Floats, Floats]:
    """Values left alone by divergence: the second's where the first DIVERGED, the first's where the second did."""
    first, second = _sides(pairs, measure)
    alone = (
        second[_diverged(pairs, "first")],
        first[_diverged(pairs, "second")],
    )  # infinite where that DIVERGED too
    return alone[0][np.isfinite(alone[0])], alone[1][np.isfinite(alone[1])]


def worst_rank(pairs: pd.DataFrame, measure: Measure, unit: str | None = None) -> WorstRank:
    """The sensitivity analysis in which a DIVERGED or infinite side is worse than any value and two such sides tie.

    A pair with one such side gets a difference so large that, after averaging over a configuration's seeds,
    a net divergence outranks every finite difference. COMPLETED sides without a value are left out.

    Args:
        pairs: at one λ, of systems that have the metric.
        measure: the metric.
        unit: column of what is independent; by default that of these pairs.
    """
    first, second = _sides(pairs, measure)
    counted = ~np.isnan(first) & ~np.isnan(second)
    gain = measure.better * _difference(first[counted], second[counted], measure)
    seeds = int(pairs.groupby("configuration_key").size().max()) if len(pairs) else 1
    # A mean over m seeds with one net divergence is at least (cap - (m - 1) max) / m: this cap keeps it above max.
    cap = 2 * seeds * (float(np.max(np.abs(gain[np.isfinite(gain)]), initial=0.0)) + 1)
    gain = np.where(np.isinf(gain), np.sign(gain) * cap, gain)
    units = estimates.cluster_means(gain, pairs[unit or rows.unit(pairs)].to_numpy()[counted])
    wins, losses = int(np.sum(units > 0)), int(np.sum(units < 0))
    return WorstRank(wins, len(units) - wins - losses, losses, estimates.sign_test_p(wins, losses),
                     estimates.signed_rank_p(units))  # fmt: skip


def divergence(pairs: Pairs, lam: float) -> Divergence:
    """McNemar's exact test of whether one algorithm diverges more often, over every pair at one λ."""
    here = pairs.at(lam)
    first, second = _diverged(here, "first"), _diverged(here, "second")
    neither, both = int(np.sum(~first & ~second)), int(np.sum(first & second))
    first_only, second_only = int(np.sum(first & ~second)), int(np.sum(~first & second))
    p = estimates.sign_test_p(first_only, second_only)  # McNemar's exact test is that of the discordant pairs
    return Divergence(lam, neither, first_only, second_only, both, p if len(here) else float("nan"))


def _sides(pairs: pd.DataFrame, measure: Measure) -> tuple[Floats, Floats]:
    """Both sides' values, each [pairs]; infinite where a side DIVERGED or its value is, NaN where it has none."""
    found = []
    for side in ("first", "second"):
        values = pairs[f"{measure.column}_{side}"].to_numpy(float)
        found.append(np.where(_diverged(pairs, side) | np.isinf(values), states.worst(measure), values))
    return found[0], found[1]


def _difference(first: Floats, second: Floats, measure: Measure) -> Floats:
    """First − second on the measure's scale; 0 where both are infinite, which are equally bad."""
    with np.errstate(invalid="ignore"):
        return np.where(
            np.isinf(first) & np.isinf(second), 0.0, measure.scaled(first) - measure.scaled(second)
        )


def _diverged(pairs: pd.DataFrame, side: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(pairs[f"outcome_{side}"] == Outcome.DIVERGED.value, dtype=bool)
