"""Error rates of verdicts, claims and main effects, simulated on studies whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.calibration.interval_coverage import POPULATIONS, RANKED, SEEDS, UNITS, Draw, frame, two_optima
from analysis.comparison.contests import paired_units
from analysis.comparison.trade_off import Finding, claim, judged_changes
from analysis.comparison.verdicts import Answer, Family
from analysis.importance.effects import main_effects
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.resampling import Generator
from analysis.vocabulary import Floats, Measure
from result_manifest import Manifest
from result_schema import Outcome

SCORE = Measure("score", "score", +1, smallest=0.05)
"""A metric that every verdict here is of."""

COMPARISONS = 10
"""Five λ and two metrics."""


def _difference(draw: Draw) -> Draw:
    return lambda rng, size: draw(rng, size) - draw(rng, size)


def _ties(rng: Generator, size: tuple[int, ...]) -> Floats:
    return np.where(rng.random(size) < 0.3, 0.0, np.round(rng.normal(size=size), 1))


def _seeds(rng: Generator, size: tuple[int, ...]) -> Floats:
    """Means over seeds of which a third is missing; a configuration moves its seeds as much as chance does."""
    rows = rng.normal(size=(*size, 1)) + rng.normal(size=(*size, SEEDS))
    there = rng.random(rows.shape) < 2 / 3
    there[..., 0] = True
    return np.asarray(np.where(there, rows, 0.0).sum(axis=-1) / there.sum(axis=-1))


def _diverging(rng: Generator, size: tuple[int, ...]) -> Floats:
    """One run in ten of either side DIVERGED."""
    lost, won = rng.random((2, *size)) < 0.1
    return np.where(lost == won, np.where(lost, 0.0, rng.normal(size=size)), np.where(won, np.inf, -np.inf))


NULLS: Mapping[str, Draw] = {
    "normal": POPULATIONS["normal"].draw,
    "t(2)": POPULATIONS["t(2)"].draw,
    "difference of log-normals": _difference(POPULATIONS["log-normal"].draw),
    "difference of two optima": _difference(two_optima),
    "ties, 3 in 10 at 0": _ties,
    "seeds in configurations": _seeds,
    "1 in 10 DIVERGED": _diverging,
}
"""Paired differences of two systems that do not differ."""


def _runs(seeds: int, diverged: float) -> Callable[[Generator, int], tuple[Floats, npt.NDArray[np.intp]]]:
    """Results [n · seeds, systems] of n configurations that move all of their systems, and their configurations."""

    def draw(rng: Generator, n: int) -> tuple[Floats, npt.NDArray[np.intp]]:
        values = (
            rng.normal(size=(n, 1, 1)) + rng.normal(size=(n, 1, RANKED)) + rng.normal(size=(n, seeds, RANKED))
        )
        values[rng.random(values.shape) < diverged] = -np.inf
        return values.reshape(-1, RANKED), np.repeat(np.arange(n), seeds)

    return draw


RUNS = {"normal": _runs(1, 0.0), "three seeds": _runs(SEEDS, 0.0), "1 in 10 DIVERGED": _runs(1, 0.1)}
"""Results of systems that do not differ."""


def false_verdicts(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Share of reports with a false verdict: index (data, truth), columns units."""
    family = Family(COMPARISONS)
    margin = family.smallest(SCORE) or 0.0
    table: dict[tuple[str, str], list[float]] = {}
    for name, draw in NULLS.items():
        for truth, shift, scale, false in (
            ("no difference, and one is found", 0.0, 1.0, Answer.DIFFERS),
            ("a difference of interest, and equivalence is found", margin, margin, Answer.EQUIVALENT),
        ):
            table[name, truth] = []
            for n in units:
                rng = estimates.generator("verdicts", name, truth, n)
                reports = (shift + scale * draw(rng, (COMPARISONS, n)) for _ in range(repetitions))
                wrong = [
                    any(family.judge(SCORE, one).answer is false for one in report) for report in reports
                ]
                table[name, truth].append(float(np.mean(wrong)))
    return frame(table, units)


def false_contests(repetitions: int, units: Sequence[int] = (5, 8, 12, 24, 48, 96)) -> pd.DataFrame:
    """Share of reports on two metrics that find a difference between any two of five systems, none of which differs."""
    pairs = math.comb(RANKED, 2)
    family = Family(2 * pairs)
    table: dict[tuple[str, str], list[float]] = {}
    for name, draw in RUNS.items():
        table["all pairs of five systems", name] = []
        for n in units:
            rng = estimates.generator("contests", name, n)
            wrong = [
                any(
                    family.judge(SCORE, found).answer is Answer.DIFFERS
                    for _ in range(2)
                    for _, _, found in paired_units(*draw(rng, n))
                )
                for _ in range(repetitions)
            ]
            table["all pairs of five systems", name].append(float(np.mean(wrong)))
    return frame(table, units)


def false_claims(repetitions: int, units: Sequence[int] = (6, 12, 24, 48, 96)) -> pd.DataFrame:
    """Share of reports that confirm "the second trades and the first does not" where that is false."""
    margin = Family().smallest(SCORE) or 0.0
    table: dict[tuple[str, str], list[float]] = {}
    for truth, first, second in (
        ("both trade", 1.0, 1.0),
        ("the first falls by just a difference of interest", margin, 1.0),
        ("neither trades", 0.0, 0.0),
    ):
        table["claim with λ", truth] = []
        for n in units:
            rng = estimates.generator("claims", truth, n)
            found = [_claimed(rng, n, {"svae_r": first, "alice": second}) for _ in range(repetitions)]
            table["claim with λ", truth].append(float(np.mean(found)))
    return frame(table, units)


def _claimed(rng: Generator, n: int, falls: Mapping[str, float]) -> bool:
    """Whether the claim is confirmed of scores that fall by so much over two decades of λ, with t(3) noise."""
    keys = [(a, lam, i) for a in falls for lam in (0.1, 1.0, 10.0) for i in range(n)]
    runs = pd.DataFrame(keys, columns=["algorithm", "lam", "configuration"])
    decades = np.log10(runs["lam"])
    runs = runs.assign(
        configuration_key=runs["configuration"],
        seed=0,
        data_version="v1",
        outcome=Outcome.COMPLETED.value,
        inception_score=4
        - runs["algorithm"].map(falls) * decades / 2
        + 0.1 * rng.standard_t(3, size=len(runs)),
        mse_x=10 ** (-decades + 0.2 * rng.normal(size=len(runs))),
    )
    study = Rows("memory", Manifest("toy", {}), 1, {}, runs, pd.DataFrame())
    family = Family(COMPARISONS + judged_changes(study))
    return claim(study, "svae_r", "alice", family).finding is Finding.HOLDS


def false_effects(repetitions: int, configurations: int = 48) -> pd.DataFrame:
    """Share of studies in which a hyper-parameter is found to matter and none does: index (data, truth), columns seeds."""
    seeds, levels = (1, 5), (2, 3, 2, 3)
    design = np.stack(np.unravel_index(np.arange(configurations) % int(np.prod(levels)), levels), axis=1)
    names = [f"h{i}" for i in range(len(levels))]
    table: dict[tuple[str, str], list[float]] = {}
    for spread in (0.0, 0.5, 1.0):
        data = f"configurations differ by {spread:g} of what seeds do"
        table["main effects", data] = []
        for count in seeds:
            rng = estimates.generator("effects", spread, count)
            runs = pd.DataFrame(np.repeat(design, count, axis=0), columns=names)
            runs = runs.assign(configuration_key=np.repeat(np.arange(configurations), count), seed=0)
            found = []
            for _ in range(repetitions):
                own = np.repeat(spread * rng.normal(size=configurations), count)
                ps = main_effects(runs, names, stats.rankdata(own + rng.normal(size=len(runs))))
                found.append(min(ps.values()) <= 0.05)
            table["main effects", data].append(float(np.mean(found)))
    return frame(table, seeds)
