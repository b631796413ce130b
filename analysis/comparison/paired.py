"""The paired comparison of two algorithms: the same configuration, λ and seed under both is one pair.

How divergence counts: a DIVERGED side is worse than any value, as is an infinite one, and two of them tie; so it stands in
the verdicts.
A mean has no such value: pairs with a DIVERGED side are left out of it, and counted. A pair with a FAILED, STOPPED or
missing side is not yet a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import rows, states
from analysis.comparison.verdicts import ALONE, Family, Verdict
from analysis.rows import Rows, once
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import mean_interval
from analysis.stored_names import BASELINES
from analysis.vocabulary import Floats, Measure
from result_names import exact, split_variant
from result_schema import Outcome

KEY = ["configuration_key", "lam", "seed", "data_version"]


@dataclass(frozen=True)
class Pairs:
    """Matched results of two algorithms.

    Attributes:
        first, second: algorithms; every difference is first − second.
        table: one row per pair: KEY, `configuration`, and `outcome` and the metrics with suffix _first, _second.
        unmatched: λ -> keys seen under either algorithm whose other side is FAILED, STOPPED or not there.
        lacking: metrics that one of the two has not (`states.systems_with`): nothing to compare, and nothing to lose by a
            divergence.
        level: whether neither has λ: their pairs are the same at every λ, and here at the smallest alone.
    """

    first: str
    second: str
    table: pd.DataFrame
    unmatched: dict[float, int]
    lacking: frozenset[str] = frozenset()
    level: bool = False

    @property
    def lambdas(self) -> list[float]:
        return sorted(self.unmatched)

    def place(self, lam: float) -> str:
        """A λ in words."""
        return "any" if self.level else exact(lam)

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
    """Units in which the first algorithm is better, equal and worse, with no pair left out (`unit_differences`)."""

    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Difference:
    """First − second of one measure at one λ.

    Attributes:
        pairs, configurations: those whose two sides are COMPLETED with a value; of one configuration, its seeds.
        unit: 'configurations' or 'seeds', what is counted there and what the intervals and tests are over.
        diverged: pairs with a DIVERGED side.
        verdict: on the units' differences, seeds averaged first, a DIVERGED side worse than any value.
        mean: of the units' differences where both sides COMPLETED, Student's interval, 95 % by itself; none where one is
            infinite.
        better_share: share of those pairs in which the first is strictly better; NaN for none.
        worst_rank: units in which the first is better, equal, worse, of those that the verdict is on.
    """

    lam: float
    measure: Measure
    pairs: int
    configurations: int
    unit: str
    diverged: int
    verdict: Verdict
    mean: Interval
    better_share: float
    worst_rank: WorstRank


@dataclass(frozen=True)
class Divergence:
    """Divergence of both sides over all pairs at one λ.

    Attributes:
        neither, first_only, second_only, both: pairs.
        p: two-sided, of the exact sign test over units in which one side DIVERGED more often than the other; with one
            seed each that is McNemar's test.
    """

    lam: float
    neither: int
    first_only: int
    second_only: int
    both: int
    p: float


def published_pairs(study: Rows) -> list[tuple[str, str]]:
    """Every algorithm with each of its baselines, as (first, second), in reading order: sVAE-r − ALICE before all.

    A variant with hyper-parameters of its own has those of its algorithm, and the algorithm as it is by default before them.
    Where there is none: of two algorithms these, the later by name minus the earlier; of more none, since no pair of them
    comes before another.
    """
    algorithms, baselines = study.algorithms, study.manifest.baselines or BASELINES
    found = []
    for first in algorithms:
        plain, _ = split_variant(first)
        compared = (*([plain] if plain != first else []), *baselines.get(plain, ()))
        found += [(first, second) for second in compared if second in algorithms]
    if not found and len(algorithms) == 2:
        found = [(max(algorithms), min(algorithms))]
    return found


def choose_pair(study: Rows) -> tuple[str, str] | None:
    """Which two algorithms a report compares at length: the first of `published_pairs`, None where there is none."""
    return next(iter(published_pairs(study)), None)


@once
def match(study: Rows, first: str, second: str) -> Pairs:
    """Matches the results of two algorithms on configuration, λ, seed and data version; two without λ are compared once.

    Args:
        study: rows of any algorithm and outcome, of one budget, one row per run.
        first, second: algorithms in its rows.
    """
    runs = study.runs
    once = first in study.level and second in study.level
    if once:
        runs = runs[runs["lam"] == runs["lam"].min()]
    measured = [name for name in study.vocabulary if name in runs]
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
    return Pairs(first, second, table.sort_values(KEY, ignore_index=True), unmatched, lacking, once)


def differences(pairs: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """First − second of a measure for the pairs that COMPLETED with two values: KEY and `difference`, on the measure's scale.

    Infinite where one side is; 0 where both are.
    """
    first, second = _sides(pairs, measure)
    kept = ~np.isnan(first) & ~np.isnan(second) & ~_diverged(pairs, "first") & ~_diverged(pairs, "second")
    table = pairs.loc[kept, KEY].copy()
    table["difference"] = minus(measure.scaled(first[kept]), measure.scaled(second[kept]))
    return table


def compare(pairs: Pairs, lam: float, measure: Measure, family: Family = ALONE) -> Difference:
    """The paired comparison of one measure at one λ, judged as one of a family; NaN throughout where there is no pair."""
    here = pairs.having(lam, measure)
    table = differences(here, measure)
    values = table["difference"].to_numpy(float)
    units = estimates.cluster_means(values, table[pairs.unit])
    better = float(np.mean(measure.better * values > 0)) if len(values) else float("nan")
    return Difference(
        lam=lam,
        measure=measure,
        pairs=len(values),
        configurations=len(units),
        unit="seeds" if pairs.unit == "seed" and pairs.table["seed"].nunique() > 1 else "configurations",
        diverged=int(np.sum(_diverged(here, "first") | _diverged(here, "second"))),
        verdict=family.judge(measure, unit_differences(here, measure, pairs.unit)),
        mean=mean_interval(units),
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


def pair_differences(pairs: pd.DataFrame, measure: Measure) -> Floats:
    """First − second of a measure, [pairs], on its scale, a DIVERGED or infinite side being worse than any value.

    ±∞ where one side is such, 0 where both are, NaN where a COMPLETED side has no value.
    """
    first, second = _sides(pairs, measure)
    return minus(measure.scaled(first), measure.scaled(second))


def minus(first: Floats, second: Floats) -> Floats:
    """First − second; 0 where both are infinite, which are equally bad."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(first) & np.isinf(second), 0.0, first - second)


def over_units(differences: Floats, units: npt.ArrayLike) -> Floats:
    """Differences [n] averaged over the rows of each unit, [units], those without a value (NaN) left out.

    A unit with more infinite differences of one sign is infinite itself; where they balance, they count as 0.
    """
    known = ~np.isnan(differences)
    values, labels = differences[known], np.asarray(units)[known]
    infinite = np.isinf(values)
    net = estimates.cluster_means(np.where(infinite, np.sign(values), 0.0), labels)
    means = estimates.cluster_means(np.where(infinite, 0.0, values), labels)
    return np.where(net == 0, means, np.copysign(np.inf, net))


def unit_differences(pairs: pd.DataFrame, measure: Measure, unit: str | None = None) -> Floats:
    """`pair_differences` averaged over units.

    Args:
        pairs: at one λ, of systems that have the metric.
        measure: the metric.
        unit: column of what is independent; by default that of these pairs.
    """
    return over_units(pair_differences(pairs, measure), pairs[unit or rows.unit(pairs)])


def worst_rank(pairs: pd.DataFrame, measure: Measure, unit: str | None = None) -> WorstRank:
    """Units in which the first algorithm is better, equal and worse, as `unit_differences` has them."""
    gain = measure.better * unit_differences(pairs, measure, unit)
    wins, losses = int(np.sum(gain > 0)), int(np.sum(gain < 0))
    return WorstRank(wins, len(gain) - wins - losses, losses)


def divergence(pairs: Pairs, lam: float) -> Divergence:
    """Whether one algorithm diverges more often, over every pair at one λ; each unit counts once, whatever its seeds."""
    here = pairs.at(lam)
    first, second = _diverged(here, "first"), _diverged(here, "second")
    neither, both = int(np.sum(~first & ~second)), int(np.sum(first & second))
    first_only, second_only = int(np.sum(first & ~second)), int(np.sum(~first & second))
    net = estimates.cluster_means(first.astype(float) - second.astype(float), here[pairs.unit])
    p = estimates.sign_test_p(int(np.sum(net > 0)), int(np.sum(net < 0)))
    return Divergence(lam, neither, first_only, second_only, both, p if len(here) else float("nan"))


def _sides(pairs: pd.DataFrame, measure: Measure) -> tuple[Floats, Floats]:
    """Both sides' values, each [pairs]; infinite where a side DIVERGED or its value is, NaN where it has none."""
    found = []
    for side in ("first", "second"):
        values = pairs[f"{measure.column}_{side}"].to_numpy(float)
        found.append(np.where(_diverged(pairs, side) | np.isinf(values), states.worst(measure), values))
    return found[0], found[1]


def _diverged(pairs: pd.DataFrame, side: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pairs[f"outcome_{side}"] == Outcome.DIVERGED.value, dtype=bool)
