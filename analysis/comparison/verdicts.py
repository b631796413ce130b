"""Verdicts: what a report says of a difference, from one family of comparisons.

A verdict is read off one interval, in the metric's units. All intervals of a report's family hold together with
95 % (Bonferroni: each at 1 − 0.05 / size), whatever depends on what, so that a report makes a false statement of a
difference, or of its absence, with probability 5 % at most. Three answers: the interval excludes 0, it lies within the smallest
difference of interest, which the study declares, or neither, and then its ends are all that is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from analysis.comparison import sequential
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import Location, location
from analysis.statistics.resampling import CONFIDENCE
from analysis.vocabulary import Floats, Measure
from analysis.words import bounded, number


class Answer(StrEnum):
    """What an interval allows to be said."""

    DIFFERS = "differs"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What is said of one difference.

    Attributes:
        measure: of what.
        location: of the units' differences, on the measure's scale, at the family's level.
        smallest: difference of interest on that scale; None where none is declared, and nothing is called equivalent.
        times: what its test's p is multiplied by, for the family's size and the study's looks.
    """

    measure: Measure
    location: Location
    smallest: float | None
    times: float

    @property
    def answer(self) -> Answer:
        if self.location.differs:
            return Answer.DIFFERS
        return Answer.EQUIVALENT if self.negligible else Answer.UNDECIDED

    @property
    def negligible(self) -> bool:
        """Whether the interval lies within the smallest difference of interest on both sides of 0."""
        return not self.reaches(-1) and not self.reaches(+1)

    def reaches(self, side: int) -> bool:
        """Whether the interval leaves a difference of interest possible, upwards (+1) or downwards (−1)."""
        bound = self.location.interval.high if side > 0 else -self.location.interval.low
        return self.smallest is None or not bound < self.smallest

    def exceeds(self, side: int) -> bool:
        """Whether all of the interval is a difference of interest, upwards (+1) or downwards (−1)."""
        bound = self.location.interval.low if side > 0 else -self.location.interval.high
        return self.smallest is not None and bound > self.smallest

    @property
    def side(self) -> int:
        """Of 0 on which the difference is shown to lie: +1, −1, or 0 where none is shown."""
        if self.answer is not Answer.DIFFERS:
            return 0
        if self.location.statistic == "mean":
            return 1 if self.location.interval.point > 0 else -1
        return 1 if self.location.above > self.location.below else -1

    @property
    def p(self) -> float:
        """Of the location's own test, corrected (`times`): 0.05 or less where the interval excludes 0."""
        return float(np.minimum(1.0, self.location.p * self.times))

    @property
    def shown(self) -> Interval:
        """The interval as it is printed: a ratio where the measure is compared on a logarithmic scale."""
        return natural(self.measure, self.location.interval)

    @property
    def margin(self) -> str:
        """The smallest difference of interest as it is printed: a factor where the measure is compared as a ratio."""
        if self.smallest is None:
            return "–"
        return f"{'a factor of ' * self.measure.log}{_raised(self.measure, self.smallest):g}"

    @property
    def estimate(self) -> str:
        """Point and interval; a bound that ties pin at no difference, which the test excludes, stands open."""
        text, none = bounded(self.shown), 1.0 if self.measure.log else 0.0
        if self.location.differs and self.shown.low == none < self.shown.high:
            return text.replace("[", "(")
        if self.location.differs and self.shown.low < none == self.shown.high:
            return text.replace("]", ")")
        return text

    @property
    def words(self) -> str:
        """The answer: higher, lower, equivalent or undecided, and by how much."""
        if self.answer is Answer.EQUIVALENT:
            return f"equivalent within {self.margin}"
        if self.answer is Answer.DIFFERS:
            side = "higher" if self.side > 0 else "lower"
            return f"{side}, by less than {self.margin}" if self.negligible else side
        if not np.isfinite([self.location.interval.low, self.location.interval.high]).any():
            return f"undecided: too few for a bound ({self.location.units})"
        return (
            f"undecided: {number(self.shown.low)} to {number(self.shown.high)}{' times' * self.measure.log}"
        )


@dataclass(frozen=True)
class Family:
    """All comparisons that a report judges together.

    Attributes:
        size: how many they are.
        declared: metric -> smallest difference of interest (`result_manifest.Manifest.smallest_differences`).
        looks: units at which the study is looked at by plan, while it trains (`sequential`); empty: once, at its end.
        units: of the study now.
    """

    size: int = 1
    declared: Mapping[str, float] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    units: int = 0

    @property
    def level(self) -> float:
        """Of each test: all of them, at all looks together, err with probability 5 % at most."""
        alone = (1 - CONFIDENCE) / max(self.size, 1)
        return sequential.level(self.looks, self.units, alone) if self.looks else alone

    @property
    def confidence(self) -> float:
        """Of each interval, so that all of them hold together with 95 %."""
        return 1 - self.level

    @property
    def times(self) -> float:
        """What a test's p is multiplied by, to be read against 5 %; infinite where a look has nothing to spend."""
        if not self.looks:
            return max(self.size, 1)
        return (1 - CONFIDENCE) / self.level if self.level else math.inf

    def smallest(self, measure: Measure) -> float | None:
        """A measure's smallest difference of interest on its own scale; None where it has none, and is not judged."""
        if measure.ratio and not measure.log:
            return None
        value = self.declared.get(measure.column, measure.smallest)
        return math.log10(value) if value is not None and measure.log else value

    def judge(self, measure: Measure, units: Floats) -> Verdict:
        """The verdict on differences [n] of independent units, on the measure's scale."""
        return Verdict(measure, location(units, self.confidence), self.smallest(measure), self.times)


ALONE = Family()
"""Of one comparison by itself."""


def natural(measure: Measure, found: Interval) -> Interval:
    """A difference as it is printed: the ratio, where the measure is compared on a logarithmic scale."""
    return Interval(*(_raised(measure, end) for end in (found.point, found.low, found.high)))


def _raised(measure: Measure, value: float) -> float:
    return 10.0 ** min(value, 300.0) if measure.log and value < math.inf else value
