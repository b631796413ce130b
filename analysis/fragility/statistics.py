"""Fragility in numbers: how good the bad configurations of a system are, and how often it is the better one.

Statistics of a `Block`, in which a larger value is better and −∞ is a divergence. Every result counts by its
configuration: a configuration weighs the same, however many seeds it has. Intervals are 95 % and over configurations: of shares Wilson's
(`locations`), of the worst tenth Student's of what each result adds to it where that tenth has few, of all else percentile bootstraps, whose statistics of
all systems are taken of the same resamples, so that differences are paired. Of more than MOST results of a system resamples are taken
in groups of neighbours (`Ordered.grouped`), which puts quantiles off by about a thousandth of the results; estimates are of all.

Source: Agarwal et al. 2021 (rliable) for interquartile means, profiles and P(A > B); Dolan & Moré 2002 for profiles;
Rockafellar & Uryasev 2000 for the mean of the worst tenth (CVaR).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics import resampling
from analysis.statistics.blocks import Block
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import bounded_mean, student
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats

TAIL = 0.1
"""The part that the mean of the worst is of."""

FEW = 30
"""Results in the worst tenth below which a bootstrap of their mean covers too seldom."""

Pair = tuple[str, str]

RESAMPLES = 1_999
"""Fewer than of a single statistic: all statistics of all systems are taken of each, and the bounds' third digit is not read."""

ROUNDING = 1e-9
"""Of masses, where a configuration has several seeds."""

MOST = 600
"""Values, or groups of them, that a system's results have in resamples."""

Counts = Floats
"""How often each configuration is drawn in each resample, [b, k]."""


@dataclass(frozen=True)
class Spread:
    """Statistics of one system, or their differences between two; on the scale of the block's values.

    Attributes:
        near: share of the configurations that reach the block's threshold.
        tail: mean of the worst tenth, rounded down to whole results, one at least.
        middle: mean of the results between the quartiles.
        width: distance of the quartiles.
    """

    near: Interval
    tail: Interval
    middle: Interval
    width: Interval


@dataclass(frozen=True)
class Contrast:
    """Two systems compared.

    Attributes:
        first, second: algorithms; every difference is first − second.
        difference: of each statistic.
        same: P(first > second) for the same configuration and seed; ties count half.
        random: P(first > second) for one of each drawn at random; ties count half.
    """

    first: str
    second: str
    difference: Spread
    same: Interval
    random: Interval


@dataclass(frozen=True)
class Fragility:
    """All statistics of a block.

    Attributes:
        configurations, runs: k, and results of each system.
        own: algorithm -> its statistics.
        contrasts: one per pair asked for that the block has.
        profile: algorithm -> [3, x]: share that reaches each threshold, and its pointwise band; empty of no threshold.
    """

    configurations: int
    runs: int
    own: dict[str, Spread]
    contrasts: list[Contrast]
    profile: dict[str, Floats]


class Ordered:
    """One system's values in order, and the mass up to each of them in a resample.

    Args:
        values: [n]; −∞ where the run DIVERGED.
        units: [n], each value's configuration.
        floor: what a divergence counts as in a mean or a quantile; −∞ where there is no worst value.
    """

    def __init__(self, values: Floats, units: npt.NDArray[np.intp], floor: float) -> None:
        order = np.argsort(values, kind="stable")
        self.values, self.units = values[order], units[order]
        self.worth = np.maximum(self.values, floor)
        self._all, self._seeds = self.values, np.bincount(units)
        self.weight = (
            len(values) / len(self._seeds) / self._seeds[self.units]
        )  # the total is n in every resample
        self.alike = bool((self.weight == 1).all())
        self.total = len(values)
        self._groups: Floats | None = None

    def grouped(self) -> Ordered:
        """The same where there are at most MOST values; else groups of neighbours, each with its mean, the DIVERGED ones in one."""
        if self.total <= MOST:
            return self
        diverged = int(np.isneginf(self.values).sum())
        places = np.arange(self.total) - diverged
        _, group = np.unique(
            np.where(places < 0, -1, places * MOST // max(self.total - diverged, 1)), return_inverse=True
        )
        sizes = np.bincount(group)
        found = copy(self)
        found.values, found.worth = (np.bincount(group, own) / sizes for own in (self.values, self.worth))
        cells = np.bincount(
            self.units * len(sizes) + group, self.weight, minlength=self._seeds.size * len(sizes)
        )
        found._groups = np.asarray(cells.reshape(-1, len(sizes)), float)
        return found

    def mass(self, counts: Counts) -> Floats:
        """Mass of the values, or groups, before each place, [b, n + 1]."""
        mass = np.zeros((len(counts), len(self.values) + 1))
        own = counts @ self._groups if self._groups is not None else np.take(counts, self.units, axis=1)
        if self._groups is None and not self.alike:
            own *= self.weight
        np.cumsum(own, axis=1, out=mass[:, 1:])
        return mass

    def mean(self, mass: Floats, low: float, high: float) -> Floats:
        """Mean of what lies between two masses, [b]."""
        diverged = int(np.isneginf(self.worth).sum())
        part = np.diff(mass.clip(low, high), axis=1)
        mean = part[:, diverged:] @ self.worth[diverged:] / (high - low)
        if diverged:
            mean[mass[:, diverged] > low + ROUNDING] = -np.inf
        return np.asarray(mean)

    def quantile(self, mass: Floats, q: float) -> Floats:
        """The quantile, linearly interpolated between results as `numpy.quantile` does, [b]."""
        place = (self.total - 1) * q
        low, high = (
            self.worth[np.sum(mass[:, 1:] <= whole + ROUNDING, axis=1)]
            for whole in (np.floor(place), np.ceil(place))
        )
        return _between(low, high, place % 1)

    def reached(self, counts: Counts, thresholds: Floats, mass: Floats | None = None) -> Floats:
        """Share that is at least each threshold [x], [b, x]; of all values, in groups or not.

        mass: of these counts, where it is known: what is summed else is looked up in it.
        """
        if mass is not None and self.alike and self._groups is None:
            return 1 - mass[:, np.searchsorted(self.values, thresholds)] / self.total
        return np.asarray(1 - counts @ self._below(thresholds) / counts.shape[1])

    def _below(self, thresholds: Floats) -> Floats:
        """Share of each configuration's values that is below each threshold [x], [k, x]."""
        order = np.argsort(thresholds)
        reached = np.searchsorted(
            thresholds[order], self._all, side="right"
        )  # thresholds that each value is not below
        columns = len(thresholds) + 1
        cells = np.bincount(self.units * columns + reached, minlength=self._seeds.size * columns)
        below = cells.reshape(-1, columns).cumsum(axis=1)[:, :-1] / self._seeds[:, None]
        return np.asarray(below[:, np.argsort(order)])


def wins(first: Ordered, second: Ordered, masses: tuple[Floats, Floats]) -> Floats:
    """P(a random value of the first > one of the second), ties count half, in each resample: [b]."""
    below, upto = (np.searchsorted(second.values, first.values, side) for side in ("left", "right"))
    beaten = masses[1][:, below] + masses[1][:, upto]
    return np.asarray(np.einsum("bn,bn->b", np.diff(masses[0], axis=1), beaten) / (2 * first.total**2))


def per_unit(values: Floats, units: npt.NDArray[np.intp]) -> Floats:
    """Mean per configuration, [k]."""
    return np.asarray(np.bincount(units, values) / np.bincount(units))


def fragility(
    block: Block, pairs: Sequence[Pair], thresholds: Floats, near: float, floor: float, rng: Generator
) -> Fragility:
    """Every statistic of a block of at least one configuration.

    Args:
        block: the results.
        pairs: algorithms to compare; one that the block lacks is passed over.
        thresholds: of the profile, [x], on the scale of the block's values.
        near: the threshold of `Spread.near`.
        floor: what a divergence counts as in a mean or a quantile; −∞ where there is no worst value.
        rng: source of the resamples.
    """
    names = list(block.values)
    ordered = {name: Ordered(values, block.units, floor) for name, values in block.values.items()}
    pairs = _there(pairs, block)
    same = {(a, b): per_unit(_won(block.values[a], block.values[b]), block.units) for a, b in pairs}
    runs = len(block.units)
    tail, quarter = max(int(TAIL * runs), 1), runs // 4

    def statistics(counts: Counts, ordered: Mapping[str, Ordered]) -> Floats:
        masses = {name: one.mass(counts) for name, one in ordered.items()}
        columns = []
        for name, one in ordered.items():
            mass = masses[name]
            columns += [one.mean(mass, 0, tail), one.mean(mass, quarter, runs - quarter),
                        _minus(one.quantile(mass, 0.75), one.quantile(mass, 0.25)),
                        *one.reached(counts, thresholds, mass).T]  # fmt: skip
        for a, b in pairs:
            columns += [
                counts @ same[a, b] / block.count,
                wins(ordered[a], ordered[b], (masses[a], masses[b])),
            ]
        return np.column_stack(columns)

    groups = {name: one.grouped() for name, one in ordered.items()}
    found = resampled(lambda counts: statistics(counts, groups), block.count, rng)
    found[:1] = statistics(np.ones((1, block.count)), ordered)
    size = 3 + len(thresholds)
    own = {name: found[:, i * size : (i + 1) * size] for i, name in enumerate(names)}
    random = found[:, len(names) * size + 1 :: 2]
    reached = {name: (values >= near).astype(float) for name, values in block.values.items()}
    worst = {name: _worst(np.maximum(values, floor), tail) for name, values in block.values.items()}
    systems, contrasts = {}, []
    for name, columns in own.items():
        share = own_share(reached[name], block.units)
        systems[name] = _spread(columns, share, _tail(columns[:, 0], worst[name], block.units, tail))
    for i, (a, b) in enumerate(pairs):
        columns = _minus(own[a][:, :3], own[b][:, :3])
        share = paired_share(reached[a] - reached[b], block.units)
        least = _tail(columns[:, 0], _minus(worst[a], worst[b]), block.units, tail)
        better = bounded_mean(same[a, b], _seeds(block.units))
        contrasts.append(Contrast(a, b, _spread(columns, share, least), better, interval(random[:, i])))
    profile = {name: _band(columns[:, 3:]) for name, columns in own.items()} if len(thresholds) else {}
    return Fragility(block.count, runs, systems, contrasts, profile)


def own_share(values: Floats, units: npt.NDArray[np.intp]) -> Interval:
    """Share of the 1 among 0 and 1 [n] over units [n], each of which weighs the same."""
    return bounded_mean(per_unit(values, units), _seeds(units))


def paired_share(differences: Floats, units: npt.NDArray[np.intp]) -> Interval:
    """Difference of two shares from the differences [n] of their 0 and 1, over units [n]; as a mean between −1 and 1."""
    found = bounded_mean((per_unit(differences, units) + 1) / 2, 2 * _seeds(units))
    return Interval(*(2 * end - 1 for end in (found.point, found.low, found.high)))


def _seeds(units: npt.NDArray[np.intp]) -> int:
    """Rounds the numbers of each unit down."""
    return max(len(units) // (int(units.max()) + 1), 1)


def _worst(worth: Floats, tail: int) -> Floats:
    """Contribution of each result [n] to the mean of the worst `tail`: q + min(x − q, 0) n / tail [n], whose mean it is."""
    edge = np.sort(worth)[tail - 1]
    with np.errstate(invalid="ignore"):
        return np.asarray(edge + np.minimum(worth - edge, 0.0) * (len(worth) / tail))


def _tail(column: Floats, added: Floats, units: npt.NDArray[np.intp], tail: int) -> Interval:
    """The mean of the worst `tail`, or a difference of two, with its interval."""
    found = interval(column)
    if tail < 2:
        return Interval(found.point, float("nan"), float("nan"))
    if tail >= FEW or not np.isfinite(added).all():
        return found
    values = per_unit(added, units)
    half = student(tail - 1) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Interval(found.point, found.point - half, found.point + half)


def shares(block: Block, pairs: Sequence[Pair]) -> tuple[dict[str, Interval], dict[Pair, Interval]]:
    """The mean of each system's 0 and 1 (a target missed or met), and of the pairs' differences."""
    own = {name: own_share(values, block.units) for name, values in block.values.items()}
    differences = {
        (a, b): paired_share(block.values[a] - block.values[b], block.units) for a, b in _there(pairs, block)
    }
    return own, differences


def resampled(statistics: Callable[[Counts], Floats], units: int, rng: Generator) -> Floats:
    """Statistics [b, s] of the units themselves and, below, of each resample: [1 + RESAMPLES, s]."""
    parts = [statistics(np.ones((1, units)))]
    for drawn in resampling.draws(units, rng, RESAMPLES):
        places = drawn + units * np.arange(len(drawn))[:, None]
        counts = np.bincount(places.ravel(), minlength=len(drawn) * units).reshape(-1, units)
        parts.append(statistics(counts.astype(float)))
    return np.concatenate(parts)


def interval(column: Floats) -> Interval:
    """The estimate, first, and the percentile interval of its resamples [1 + RESAMPLES]; no bounds where one is ∞ − ∞."""
    point, rest = float(column[0]), column[1:]
    if np.isnan(rest).any():
        return Interval(point, float("nan"), float("nan"))
    ordered = np.sort(rest)
    places = (len(rest) - 1) * np.array([0.025, 0.975])
    low, high = _between(
        ordered[np.floor(places).astype(int)], ordered[np.ceil(places).astype(int)], places % 1
    )
    return Interval(point, float(low), float(high))


def _between(low: Floats, high: Floats, part: float | Floats) -> Floats:
    """A part of the way from one value up to another; the lower one where they are equal or that is −∞."""
    with np.errstate(invalid="ignore"):
        return np.where((low == high) | np.isneginf(low), low, low + part * (high - low))


def _there(pairs: Sequence[Pair], block: Block) -> list[Pair]:
    return [pair for pair in pairs if set(pair) <= block.values.keys()]


def _spread(columns: Floats, near: Interval, tail: Interval) -> Spread:
    return Spread(near, tail, interval(columns[:, 1]), interval(columns[:, 2]))


def _band(columns: Floats) -> Floats:
    return np.vstack([columns[:1], np.quantile(columns[1:], [0.025, 0.975], axis=0)])


def _won(first: Floats, second: Floats) -> Floats:
    return np.asarray((first > second) + (first == second) / 2)


def _minus(first: Floats, second: Floats) -> Floats:
    """first − second; NaN where both are infinite."""
    with np.errstate(invalid="ignore"):
        return np.asarray(first - second)
