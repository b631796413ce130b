"""Failures of runs by the limits that a study declares, and how many survive each value of the metrics of these.

Every result counts by its configuration, as in `statistics`. Intervals of shares are Wilson's, of paired differences those of
a mean between −1 and 1. The band of a survival curve is simultaneous: of the same half-width at every value, the 95 % quantile over
resamples of configurations of how far the curve of a resample is at most from that of all. Source: Bickel & Freedman 1981, §4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from analysis import rows
from analysis.comparison.paired import published_pairs
from analysis.fragility.results import LEAST, Lams, once, places
from analysis.fragility.statistics import Ordered, Pair, resampled, shares
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.blocks import Sides, block, gains, hits
from analysis.statistics.estimates import Interval
from analysis.statistics.resampling import CONFIDENCE, Generator
from analysis.vocabulary import LOG_FLOOR, Floats, Measure
from result_manifest import AT_LEAST, Bound, Target

ANY = "any of them"
_STEPS = 121


@dataclass(frozen=True)
class Failed:
    """Shares of runs that fail in one way.

    Attributes:
        kind: ANY, or the bound that they miss in words, such as: MSE above 0.1.
        lams: the systems and their λ.
        best: whether each λ is that at which its system fails least in any way.
        configurations, left_out: of which every system has a result; configurations and seeds of which one has none.
        own: algorithm -> share that fails.
        differences: (first, second) -> first − second, paired; of the pairs that papers compare.
    """

    kind: str
    lams: Lams
    best: bool
    configurations: int
    left_out: int
    own: dict[str, Interval]
    differences: dict[Pair, Interval]


@dataclass(frozen=True)
class Survival:
    """Share of the configurations at one λ whose metric is at least as good as a value.

    Attributes:
        measure: the metric.
        limit: its bound.
        lam: λ of all systems.
        values: of the metric, natural scale, [x] ascending.
        curves: algorithm -> [3, x]: the share, and its simultaneous band.
    """

    measure: Measure
    limit: Bound
    lam: float
    values: Floats
    curves: dict[str, Floats]


def failures(study: Rows) -> list[Failed]:
    """By λ, each system's best last, then by kind; empty where the study declares no limit, or a sampler chose its configurations."""
    limits = study.manifest.limits
    if not limits or study.manifest.searched:
        return []
    kinds: dict[str, Target] = {ANY: limits} if len(limits) > 1 else {}
    kinds |= {_words(study, bound): (bound,) for bound in limits}
    missed = {kind: _missed(hits(study, target)) for kind, target in kinds.items()}
    found = []
    # Of all systems that can fail in some way, and last those that can fail in each, which alone have a best λ.
    by_lambda: dict[float, dict[str, float]] = {lam: {} for lam in study.lambdas}
    for name, lam in ((name, lam) for sides in missed.values() for name, own in sides.items() for lam in own):
        by_lambda[lam][name] = lam
    bests = [lams for lams, best in places(next(iter(missed.values())), _stood) if best]
    for lams, best in (*((lams, False) for lams in by_lambda.values()), *((lams, True) for lams in bests)):
        pairs = once(published_pairs(study), study, best)
        for kind, sides in missed.items():
            one = block({name: sides[name][lam] for name, lam in lams.items() if lam in sides.get(name, {})})
            if one.count >= LEAST:
                found.append(Failed(kind, lams, best, one.count, one.left_out, *shares(one, pairs)))
    return found


def survivals(study: Rows) -> Iterator[Survival]:
    """By limit, then λ; none where the study declares no limit, or a sampler chose its configurations."""
    for limit in () if study.manifest.searched else study.manifest.limits:
        measure = study.vocabulary[limit.metric].compared
        sides, values = gains(study, measure), _values(study, measure, limit)
        thresholds = measure.better * measure.scaled(values)
        for lam in study.lambdas:
            one = block({name: own[lam] for name, own in sides.items() if lam in own})
            if one.count < LEAST:
                continue
            curves = {}
            for name, results in one.values.items():
                ordered = Ordered(results, one.units, -np.inf)
                rng = estimates.generator("survival", measure.label, name, lam)
                curves[name] = band(ordered, thresholds, one.count, rng)
            yield Survival(measure, limit, lam, values, curves)


def band(ordered: Ordered, thresholds: Floats, units: int, rng: Generator) -> Floats:
    """Share that reaches each threshold [x], and its simultaneous band within [0, 1]: [3, x]."""

    found = resampled(lambda counts: ordered.reached(counts, thresholds), units, rng)
    share = found[0]
    half = np.quantile(np.abs(found[1:] - share).max(1), CONFIDENCE)
    return np.clip([share, share - half, share + half], 0, 1)


def _stood(missed: Floats) -> np.floating:
    return np.mean(1 - missed)


def _missed(sides: Sides) -> Sides:
    return {name: {lam: 1 - met for lam, met in own.items()} for name, own in sides.items()}


def _words(study: Rows, bound: Bound) -> str:
    labels: Mapping[str, str] = {m.column: m.label for m in study.vocabulary.values()}
    side = "below" if bound.side == AT_LEAST else "above"
    return f"{labels.get(bound.metric, bound.metric)} {side} {bound.value:g}"


def _values(study: Rows, measure: Measure, limit: Bound) -> Floats:
    """Values of the metric over the range that runs have, and its limit."""
    seen = np.append(rows.finite(study.runs, measure.column)[measure.column].to_numpy(float), limit.value)
    if measure.log:
        seen = seen.clip(LOG_FLOOR)
        return np.unique(np.append(np.geomspace(seen.min(), seen.max(), _STEPS), limit.value))
    return np.unique(np.append(np.linspace(seen.min(), seen.max(), _STEPS), limit.value))
