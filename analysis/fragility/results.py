"""Fragility of a study's systems: at each λ, at the best λ of each system, and by what the study asks of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analysis.comparison.paired import published_pairs
from analysis.fragility.closeness import Closeness, closeness
from analysis.fragility.statistics import Fragility, Pair, fragility, shares
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.blocks import Block, Sides, block, gains, hits
from analysis.statistics.estimates import Interval
from analysis.statistics.processes import done
from analysis.vocabulary import Floats, Measure
from result_manifest import Target

LEAST = 10
"""Configurations from which there is a worst tenth."""

Lams = Mapping[str, float]
"""Algorithm -> the λ that it is compared at."""


@dataclass(frozen=True)
class Measured:
    """Fragility by one measure.

    Attributes:
        closeness: the measure and its best value.
        lams: the systems and their λ.
        best: whether each λ is its system's best: of the highest median, DIVERGED as worst, by the same measure.
        left_out: configurations and seeds of which a system has no result.
        found: the statistics, larger better.
    """

    closeness: Closeness
    lams: Lams
    best: bool
    left_out: int
    found: Fragility

    def natural(self, found: Interval) -> Interval:
        """A mean, or a difference of means, on the measure's own scale."""
        better = self.closeness.measure.better
        return found if better > 0 else Interval(-found.point, -found.high, -found.low)


@dataclass(frozen=True)
class Met:
    """How often a target is met.

    Attributes:
        target: bounds that a run is to meet.
        words: the target in words, such as: inception score at least 4.5 and MSE at most 0.05.
        lams, best, left_out: as in Measured; the best λ is the one at which most configurations meet it.
        configurations: of which every system has a result.
        own: algorithm -> share.
        differences: (first, second) -> first − second, paired; of the pairs that papers compare.
    """

    target: Target
    words: str
    lams: Lams
    best: bool
    left_out: int
    configurations: int
    own: dict[str, Interval]
    differences: dict[Pair, Interval]


@dataclass(frozen=True)
class Results:
    """By measure, then λ, each system's best λ last.

    Attributes:
        measured: by each measure.
        met: of each target.
        level: systems without λ, which are the same at every λ.
    """

    measured: list[Measured]
    met: list[Met]
    level: frozenset[str] = frozenset()


def measures(study: Rows) -> list[Measure]:
    """Metrics that fragility is told of: the headline, then others that declare how far two values are apart, those first
    whose best possible value is known on any data, and ratios last."""
    others = [m for m in study.measures if m.declares and m not in study.headline]
    others.sort(key=lambda m: (m.ratio, m.best is None))
    return [m.compared for m in (*study.leading, *others) if study.measured(m.column)]


def compute(study: Rows, profiles: bool = True) -> Results:
    """All of a study; empty where it has no two systems with enough configurations in common, or a sampler chose them.

    Args:
        study: its rows.
        profiles: whether there are profiles, which take most of the time where there are many systems.
    """
    measured: list[Measured] = []
    met: list[Met] = []
    if (
        study.manifest.searched
        or len(study.algorithms) < 2
        or study.runs["configuration_key"].nunique() < LEAST
    ):
        return Results(measured, met)
    pairs = published_pairs(study)
    tasks: dict[Hashable, Callable[[], Measured | None]] = {}
    order: list[tuple[Hashable, bool]] = []
    for measure in measures(study):
        close, sides = closeness(study, measure), gains(study, measure)
        for lams, best in places(sides, np.median):
            there = tuple(once(pairs, study, best))
            key = (close, *lams.items(), there)  # the best λ of all systems may be one λ
            tasks.setdefault(key, partial(_measured, sides, there, close, lams, best, profiles))
            order.append((key, best))
    found = dict(zip(tasks, done(list(tasks.values())), strict=True))
    measured += [replace(one, best=best) for key, best in order if (one := found[key]) is not None]
    for target in study.manifest.targets:
        sides = hits(study, target)
        for lams, best in places(sides, np.mean):
            met += _met(sides, once(pairs, study, best), target, _words(study, target), lams, best)
    return Results(measured, met, study.level)


def once(pairs: Sequence[Pair], study: Rows, best: bool) -> list[Pair]:
    """The pairs, those of two systems without λ at the best λ alone where there are several: they are the same at each."""
    several = not best and len(study.lambdas) > 1
    return [pair for pair in pairs if not (several and study.level.issuperset(pair))]


def places(sides: Sides, criterion: Callable[[Floats], np.floating]) -> Iterator[tuple[Lams, bool]]:
    """Every λ, the same for all systems; then, of several λ, each system's best by the criterion, the smallest on a tie."""
    lambdas = sorted({lam for own in sides.values() for lam in own})
    for lam in lambdas:
        yield {name: lam for name, own in sides.items() if lam in own}, False
    if len(lambdas) > 1:
        merits = {
            name: {lam: criterion(own[lam].to_numpy(float)) for lam in sorted(own)}
            for name, own in sides.items()
        }
        yield {name: max(own, key=lambda lam: float(own[lam])) for name, own in merits.items()}, True


def _block(sides: Sides, lams: Lams) -> Block | None:
    """The systems' results at these λ, or None where too few are in common."""
    found = block({name: sides[name][lam] for name, lam in lams.items()})
    return found if len(found.values) > 1 and found.count >= LEAST else None


def _measured(
    sides: Sides, pairs: Sequence[Pair], close: Closeness, lams: Lams, best: bool, profiles: bool
) -> Measured | None:
    one, measure = _block(sides, lams), close.measure
    if one is None:
        return None
    floor = -np.inf if measure.worst is None else measure.better * measure.worst
    near = float(close.thresholds(np.array([close.near]))[0])
    rng = estimates.generator("fragility", measure.label, *lams.items())
    distances = close.distances if profiles else np.empty(0)
    found = fragility(one, pairs, close.thresholds(distances), near, floor, rng)
    return Measured(close, lams, best, one.left_out, found)


def _words(study: Rows, target: Target) -> str:
    labels = {m.column: m.label for m in study.vocabulary.values()}
    return " and ".join(f"{labels.get(b.metric, b.metric)} {b.side} {b.value:g}" for b in target)


def _met(
    sides: Sides, pairs: Sequence[Pair], target: Target, words: str, lams: Lams, best: bool
) -> list[Met]:
    one = _block(sides, lams)
    if one is None:
        return []
    own, differences = shares(one, pairs)
    return [Met(target, words, lams, best, one.left_out, one.count, own, differences)]
