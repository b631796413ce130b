"""Error rates of a study that is looked at while it trains, simulated, and its end on stored rows that arrive in other orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.calibration.error_rates import COMPARISONS, NULLS, SCORE
from analysis.calibration.interval_coverage import frame
from analysis.comparison import families as comparison
from analysis.comparison import paired
from analysis.comparison.verdicts import Answer, Family, Verdict
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.vocabulary import Floats, Measure

PLANS: Mapping[int, tuple[int, ...]] = {
    48: (16, 24, 32, 40, 48),
    576: (24, 48, 96, 192, 288, 384, 480, 576),
}
"""Units of a study -> those at which it is looked at, as `--until decided` plans them."""


def false_looks(repetitions: int, plans: Sequence[int] = tuple(PLANS)) -> pd.DataFrame:
    """Share of studies with a false verdict at any look, if all are trained to the end: index (data, truth), columns units."""
    margin = Family().smallest(SCORE) or 0.0
    table: dict[tuple[str, str], list[float]] = {}
    for name, draw in NULLS.items():
        for truth, shift, scale, false in (
            ("no difference, and one is found at a look", 0.0, 1.0, Answer.DIFFERS),
            ("a difference of interest, and equivalence is found at a look", margin, margin, Answer.EQUIVALENT),
        ):  # fmt: skip
            table[name, truth] = []
            for n in plans:
                rng = estimates.generator("looks", name, truth, n)
                families = [Family(COMPARISONS, looks=PLANS[n], units=units) for units in PLANS[n]]
                wrong = 0
                for _ in range(repetitions):
                    report = shift + scale * draw(rng, (COMPARISONS, n))
                    wrong += any(
                        family.judge(SCORE, one[: family.units]).answer is false
                        for family in families
                        for one in report
                    )
                table[name, truth].append(wrong / repetitions)
    return frame(table, plans)


@dataclass(frozen=True)
class Replays:
    """A stored study, ended early in other orders of arrival.

    Attributes:
        units: at which each replay ended, [replays].
        total: units of the study.
        same: whether each has the final verdicts, answer by answer and side by side.
        wrong: whether one of its verdicts is false of the whole study: a difference on the other side of 0 than its estimate, or
            an equivalence where that is beyond the smallest difference of interest.
    """

    units: Floats
    total: int
    same: Floats
    wrong: Floats

    @property
    def early(self) -> float:
        """Share that ended before all was trained, with the final verdicts."""
        return float(np.mean((self.units < self.total) & (self.same > 0)))


def replays(
    study: Rows, looks: tuple[int, ...], metrics: Sequence[str], lambdas: Sequence[float], count: int
) -> Replays:
    """Ends a stored study of one seed as soon as it is decided, its configurations arriving in random orders.

    Args:
        study: every configuration at every λ and under both systems.
        looks: planned, the last being all of its configurations.
        metrics, lambdas: whose verdicts are asked for, and where.
        count: replays.
    """
    family = replace(comparison.family_of(study), looks=looks)
    asked = [
        (measure, paired.unit_differences(pairs.having(lam, measure), measure))
        for pairs, lam, measure in comparison.judged(study)
        if lam in lambdas and measure.column in metrics
    ]
    whole = [replace(family, looks=(), units=looks[-1]).judge(*one) for one in asked]
    rng = estimates.generator("replays", *looks)
    ends, same, wrong = [], [], []
    for _ in range(count):
        order = rng.permutation(looks[-1])
        units, verdicts = _ended(family, [(measure, values[order]) for measure, values in asked])
        ends.append(units)
        same.append(all(_says(a) == _says(b) for a, b in zip(verdicts, whole, strict=True)))
        wrong.append(any(_false(a, b) for a, b in zip(verdicts, whole, strict=True)))
    return Replays(np.array(ends, float), looks[-1], np.array(same, float), np.array(wrong, float))


def _ended(family: Family, asked: Sequence[tuple[Measure, Floats]]) -> tuple[int, list[Verdict]]:
    """Units at the first look that decides all, else the last, and the verdicts there."""
    for units in family.looks:
        at = replace(family, units=units)
        verdicts = [at.judge(measure, values[:units]) for measure, values in asked]
        if all(v.answer is not Answer.UNDECIDED for v in verdicts):
            break
    return units, verdicts


def _says(verdict: Verdict) -> tuple[Answer, bool]:
    """The answer, and of a difference its side."""
    above = verdict.location.above > verdict.location.below
    return verdict.answer, above and verdict.answer is Answer.DIFFERS


def _false(early: Verdict, whole: Verdict) -> bool:
    point = whole.location.interval.point
    if early.answer is Answer.DIFFERS:
        return bool(point < 0 if early.location.above > early.location.below else point > 0)
    return early.answer is Answer.EQUIVALENT and not abs(point) < (early.smallest or 0.0)
