"""Closeness of a result to the best, in the manner of its metric: in per cent, by a factor, or in the metric's unit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis import rows
from analysis.rows import Rows
from analysis.vocabulary import LOG_FLOOR, Floats, Measure
from analysis.words import number
from result_names import exact

NEAR = {"%": 5.0, "factor": 10.0, "unit": 0.5}
"""Closeness that tables and sentences speak of."""

_STEPS = 81


@dataclass(frozen=True)
class Closeness:
    """The best value of a metric, and the distances from it that a profile shows.

    Attributes:
        measure: the metric.
        best: its best value, natural scale.
        possible: whether that is the best possible, and not the best that the study has seen.
        farthest: the largest distance of the profile.
    """

    measure: Measure
    best: float
    possible: bool
    farthest: float

    @property
    def kind(self) -> str:
        """'factor' of a logarithmic metric, 'unit' of one without a natural zero, '%' of the others."""
        return "factor" if self.measure.log else "unit" if self.measure.unit else "%"

    @property
    def near(self) -> float:
        return NEAR[self.kind]

    @property
    def distances(self) -> Floats:
        """Thresholds of the profile, [x] ascending."""
        if self.kind == "factor":
            return np.geomspace(1, self.farthest, _STEPS)
        return np.linspace(0, self.farthest, _STEPS)

    def thresholds(self, distances: Floats) -> Floats:
        """Least gain (`blocks.gains`) that is that close."""
        best = self.measure.better * self.measure.scaled(np.array([self.best]))
        if self.kind == "factor":
            return np.asarray(best - np.log10(distances))
        step = np.abs(best) / 100 if self.kind == "%" else 1.0
        return np.asarray(best - step * distances)

    def axis(self) -> str:
        """Words of a profile's axis."""
        return f"{'factor' if self.kind == 'factor' else self.measure.unit or '%'} from {self._best()}"

    def words(self) -> str:
        """Such as: within 5 % of the best possible (5)."""
        distance = {
            "%": f"{self.near:g} %",
            "factor": f"a factor of {self.near:g}",
            "unit": f"{self.near:g} {self.measure.unit}",
        }[self.kind]
        return f"within {distance} of {self._best()} ({exact(self.best) if self.possible else number(self.best, 4)})"

    def _best(self) -> str:
        return f"the best {'possible' if self.possible else 'seen'}"


def closeness(study: Rows, measure: Measure) -> Closeness:
    """Of a measure that a COMPLETED run has a finite value of; the profile goes on to the farthest of them, at most 100 %."""
    values = rows.finite(study.runs, measure.column)[measure.column].to_numpy(float)
    low, high = float(values.min()), float(values.max())
    seen, worst = (high, low) if measure.better > 0 else (low, high)
    declared = study.manifest.best.get(measure.column, measure.best)
    possible = declared is not None and not measure.log
    best = float(declared) if declared is not None and possible else seen
    found = Closeness(measure, best, possible, 0.0)
    if found.kind == "factor":
        farthest = max(worst, LOG_FLOOR) / max(best, LOG_FLOOR)
    elif found.kind == "unit" or not best:
        farthest = abs(worst - best)
    else:
        farthest = min(100 * abs((worst - best) / best), 100.0)
    return replace(found, farthest=max(farthest, 2 * found.near))
