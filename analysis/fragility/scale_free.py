"""Two systems compared without taking λ to weigh the same in both: at equal error, by hypervolume, and at a multiple of λ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import rows
from analysis.comparison import paired
from analysis.comparison.families import compared_measures
from analysis.comparison.trade_off import BEGIN, required, traded
from analysis.fragility.curves import at_cost, at_lambda, hypervolume
from analysis.fragility.statistics import interval, per_unit
from analysis.rows import Rows
from analysis.statistics import estimates, resampling
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import mean_interval, median_interval
from analysis.vocabulary import Floats, Measure
from result_schema import Outcome

RATIOS = (0.5, 1.0, 1.5, 2.0)
"""λ of the first system over that of the second."""

LEVELS = 3
"""The lowest so many errors, of 1, 3, 10, 30, …, that the curves of a third of the configurations cross in both systems."""


@dataclass(frozen=True)
class Curves:
    """Matched curves of two systems over the positive λ.

    Attributes:
        lambdas: [L] ascending.
        units: each curve's configuration, [n] in 0 … k − 1.
        cost: the error of reconstruction, on its logarithmic scale.
        costs: of each side, [n, L]; +∞ of a DIVERGED run.
        gains: of each side, [n, L]; −∞ of a DIVERGED run.
        worst: the largest cost of a COMPLETED run of the study, at any λ.
    """

    lambdas: Floats
    units: npt.NDArray[np.intp]
    cost: Measure
    costs: tuple[Floats, Floats]
    gains: tuple[Floats, Floats]
    worst: float


@dataclass(frozen=True)
class Advantage:
    """First − second of a measure over configurations, seeds averaged.

    Attributes:
        configurations: compared.
        median, mean: with intervals between order statistics and of Student's t, 95 % by themselves.
        better: share in which the first is better, ties half.
    """

    configurations: int
    median: Interval
    mean: Interval
    better: float


@dataclass(frozen=True)
class AtLevel:
    """At equal error.

    Attributes:
        level: the error.
        first_only, second_only: curves that cross it in one system alone.
        advantage: over the configurations whose curves cross it in both.
    """

    level: float
    first_only: int
    second_only: int
    advantage: Advantage


@dataclass(frozen=True)
class Volume:
    """Hypervolume from λ = BEGIN up.

    Attributes:
        reference: error and gain of the worst point: the worst error of the study, the worst possible gain.
        first: mean of the first system's volumes.
        advantage: of the volumes, in decades of the error times the measure's unit.
    """

    reference: tuple[float, float]
    first: float
    advantage: Advantage


@dataclass(frozen=True)
class Matched:
    """The first system at a multiple of λ, interpolated within configurations in log λ, against the second at λ.

    Attributes:
        lam, ratio: of the second, and of the first over it.
        measure: what the medians are of.
        configurations: compared.
        median: of first − second on the measure's scale, percentile interval over configurations.
    """

    lam: float
    ratio: float
    measure: Measure
    configurations: int
    median: Interval


def measures(study: Rows) -> list[Measure]:
    """Metrics that are compared at equal error: larger ones are better, and the worst possible value is known."""
    return [
        m
        for m in compared_measures(study)
        if m.better > 0 and m.worst is not None and study.measured(m.column)
    ]


def comparable(study: Rows, first: str, second: str) -> bool:
    """Whether both systems have λ and reconstruct, at two positive λ or more."""
    if (pair := traded(study)) is None or not study.level.isdisjoint((first, second)):
        return False
    column = pair[0].column
    both = {first, second} <= study.having(column)
    return both and not rows.finite(study.runs, column).empty and sum(lam > 0 for lam in study.lambdas) > 1


def curves(study: Rows, first: str, second: str, measure: Measure) -> Curves:
    """Curves of results that two `comparable` systems have both."""
    error, _ = required(study)
    cost = error.compared
    table = paired.match(study, first, second).table
    table = table[table["lam"] > 0]
    index = ["configuration_key", "seed", "data_version"]
    costs: list[pd.DataFrame] = []
    gains: list[pd.DataFrame] = []
    for side in ("first", "second"):
        diverged = table[f"outcome_{side}"] == Outcome.DIVERGED.value
        for found, one in ((costs, cost), (gains, measure)):
            values = one.scaled(table[f"{one.column}_{side}"].to_numpy(float))
            worst = -one.better * np.inf
            values = np.where(diverged | np.isinf(values), worst, values)
            found.append(table.assign(value=values).pivot(index=index, columns="lam", values="value"))
    units = estimates.numbered(costs[0].index.get_level_values(0))
    arrays = [frame.to_numpy(float) for frame in (*costs, *gains)]
    worst = cost.scaled(rows.finite(study.runs, cost.column)[cost.column].to_numpy(float)).max()
    return Curves(
        costs[0].columns.to_numpy(float),
        units,
        cost,
        (arrays[0], arrays[1]),
        (arrays[2], arrays[3]),
        float(worst),
    )


def at_levels(found: Curves, measure: Measure) -> list[AtLevel]:
    """The comparison at equal error, at LEVELS of them that the data choose."""
    everything = np.concatenate(found.costs)
    finite = everything[np.isfinite(everything)]
    if not len(finite):
        return []
    decades = range(int(np.floor(finite.min())), int(np.ceil(finite.max())) + 1)
    results = []
    for level in (digit * 10.0**decade for decade in decades for digit in (1, 3)):
        sides = [
            at_cost(c, g, np.log10(level), _worst(measure))
            for c, g in zip(found.costs, found.gains, strict=True)
        ]
        crossed = [~np.isnan(side) for side in sides]
        both = crossed[0] & crossed[1]
        if np.mean(both) < 1 / 3:
            continue
        first, second = (int(np.sum(one & ~both)) for one in crossed)
        own = _advantage((sides[0] - sides[1])[both], found.units[both], measure)
        results.append(AtLevel(level, first, second, own))
        if len(results) == LEVELS:
            break
    return results


def volumes(found: Curves, measure: Measure) -> Volume | None:
    """The comparison of hypervolumes; None where no λ reaches BEGIN."""
    kept = found.lambdas >= BEGIN
    if not kept.any():
        return None
    first, second = (
        hypervolume(c[:, kept], g[:, kept], found.worst, _worst(measure))
        for c, g in zip(found.costs, found.gains, strict=True)
    )
    own = _advantage(first - second, found.units, measure)
    return Volume((10**found.worst, _worst(measure)), float(per_unit(first, found.units).mean()), own)


def at_ratio(found: Curves, measure: Measure, lam: float, ratio: float, name: object) -> Matched | None:
    """The comparison at a multiple of λ; None where the first system has no λ on a side of it."""
    if not found.lambdas[0] <= lam * ratio <= found.lambdas[-1]:
        return None
    sides = found.costs if measure == found.cost else found.gains
    first = at_lambda(found.lambdas, sides[0], lam * ratio)
    second = at_lambda(found.lambdas, sides[1], lam)
    both = ~np.isnan(first) & ~np.isnan(second)
    tied = np.isinf(first) & (first == second)
    with np.errstate(invalid="ignore"):
        difference = np.where(tied, 0.0, first - second)[both]
    if not len(difference):
        return None
    units = estimates.cluster_means(difference, found.units[both])
    rng = estimates.generator("matched", lam, ratio, measure.label, name)
    of_drawn = resampling.medians(units)
    point = of_drawn(np.arange(len(units), dtype=np.int32)[None])
    if len(units) == 1:  # whose resamples are all alike
        return Matched(lam, ratio, measure, 1, Interval(float(point[0]), float("nan"), float("nan")))
    drawn = resampling.distribution(of_drawn, len(units), rng)
    return Matched(lam, ratio, measure, len(units), interval(np.concatenate([point, drawn])))


def _worst(measure: Measure) -> float:
    if measure.worst is None:
        raise ValueError(f"a gain must have a worst possible value, got none for {measure.label}")
    return measure.worst


def _advantage(differences: Floats, units: npt.NDArray[np.intp], measure: Measure) -> Advantage:
    means = estimates.cluster_means(differences, units)
    won = measure.better * means
    return Advantage(
        len(means),
        median_interval(means),
        mean_interval(means),
        float(np.mean((won > 0) + (won == 0) / 2)),
    )
