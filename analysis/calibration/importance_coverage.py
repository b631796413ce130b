"""Coverage of the intervals of shares of variance and of tunability, simulated on data whose truth is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from analysis.calibration.component_coverage import STANDARD, Intervals, covered
from analysis.calibration.interval_coverage import Draw, frame
from analysis.importance.shares import shares
from analysis.importance.tunability import Gain, tuned
from analysis.statistics.blocks import KEY
from analysis.statistics.estimates import Interval
from analysis.statistics.linear_models import RESIDUAL, Cells, Term, contrasts, terms
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats

LEVELS = (4, 3, 2)
"""Of the hyper-parameters of a grid of 24 configurations; each is trained under two systems."""

EFFECTS: dict[Term, float] = {
    ("h0",): 0.8,
    ("h1",): 0.3,
    ("h0", "h2"): 0.5,
    ("system",): 0.2,
    ("h2", "system"): 0.3,
}
"""Standard deviations; what configurations differ by besides has 0.5, noise 1."""

_OTHER = 0.5**2 + 1.0**2


def share_coverage(repetitions: int, units: Sequence[int] = (24, 48, 96, 192)) -> pd.DataFrame:
    """Coverage of shares of variance: index (interval, data), columns configurations, multiples of 24."""
    table: dict[tuple[str, str], list[float]] = {}
    for name in ("normal", "t(5)"):
        table |= covered(repetitions, units, f"{name}, a factorial", _factorial(STANDARD[name]))
    return frame(table, units)


def tuning_coverage(repetitions: int, units: Sequence[int] = (12, 48)) -> pd.DataFrame:
    """Coverage of gains from a default: index (interval, data), columns configurations, multiples of 3."""
    table: dict[tuple[str, str], list[float]] = {}
    for seeds, alike in itertools.product((2, 5), (True, False)):
        data = f"normal, seeds: {seeds}{', of configurations more spread' * (not alike)}"
        table |= covered(repetitions, units, data, _grid(seeds, alike))
    return frame(table, units)


def _factorial(draw: Draw) -> Callable[[Generator, int], Intervals]:
    """A grid repeated, with EFFECTS."""
    points = np.array(list(itertools.product(*map(range, LEVELS))))

    def intervals(rng: Generator, n: int) -> Intervals:
        design = np.repeat(np.tile(points, (n // len(points), 1)), 2, axis=0)
        levels = {f"h{i}": column for i, column in enumerate(design.T)} | {"system": np.arange(2 * n) % 2}
        values = np.repeat(0.5 * draw(rng, (n,)), 2) + draw(rng, (2 * n,))
        for term, size in EFFECTS.items():
            values = values + size * _standard(np.prod([_standard(levels[name]) for name in term], axis=0))
        columns = {name: contrasts(pd.Series(own)) for name, own in levels.items()}
        found = shares(Cells.of(values, np.arange(len(values))), columns, np.repeat(np.arange(n), 2))
        whole = _OTHER + sum(size**2 for size in EFFECTS.values())
        truth = {term: EFFECTS.get(term, 0.0) ** 2 / whole for term in terms(list(levels))}
        truth[RESIDUAL] = _OTHER / whole
        shown: dict[str, Term] = {
            "share of a large main effect": ("h0",),
            "share of a small main effect": ("h1",),
            "share of the system": ("system",),
            "share of an interaction": ("h0", "h2"),
            "share of nothing, main effect": ("h2",),
            "share of nothing, interaction": ("h0", "h1"),
            "residual": RESIDUAL,
        }
        return {name: (found[term], truth[term]) for name, term in shown.items()}

    return intervals


def _standard(levels: Floats) -> Floats:
    centred = levels - np.mean(levels)
    return np.asarray(centred / np.std(centred))


def _grid(seeds: int, alike: bool) -> Callable[[Generator, int], Intervals]:
    """Configurations that differ as much as seeds do, whose seeds spread alike or from half to twice as much."""

    def intervals(rng: Generator, n: int) -> Intervals:
        means = rng.normal(size=n)
        spread = np.ones(n) if alike else 2.0 ** rng.uniform(-1, 1, size=n)
        keys = [f"c{i}" for i in range(n)]
        grid = pd.DataFrame({"a": np.arange(n) % 3, "b": np.arange(n) // 3}, index=keys)
        index = pd.MultiIndex.from_product([keys, range(seeds), ["v1"]], names=KEY)
        values = means[:, None] + spread[:, None] * rng.normal(size=(n, seeds))
        found = tuned(pd.Series(values.ravel(), index), grid, "c0")
        assert found is not None  # c0 has results
        return {
            "gain of one hyper-parameter": (
                _interval(found.alone["a"]),
                max(means[:3].max() - means[0], 0.0),
            ),
            "gain of all together": (_interval(found.together), means.max() - means[0]),
        }

    return intervals


def _interval(gain: Gain | None) -> Interval:
    assert gain is not None  # the grid is whole
    return gain.gain
