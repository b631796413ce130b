"""The metrics as the analysis reads them: what they are called, which way is better, how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LOG_FLOOR = 1e-12
"""An MSE below this is taken as this before a logarithm: far under anything that a float32 network reaches."""

DRAWN = (1e-100, 1e100)
"""Ends of what is drawn on a logarithmic axis: beyond them matplotlib's ticks leave the range of numbers."""


@dataclass(frozen=True)
class Measure:
    """One metric.

    Attributes:
        column: its column in the rows.
        label: its name in figures and tables.
        better: +1 where larger is better, −1 where smaller is.
        log: whether it is compared and drawn on a logarithmic scale (base 10).
        smallest: difference of interest where a study declares none, in its own units, a factor where it is logarithmic;
            None: a verdict is given only where a study declares one.
        best, worst: its best and worst possible value on any data; None where there is none, or where the data decide:
            their best is in the manifest.
        unit: of a metric whose differences alone mean something, such as nats; empty of one with a natural zero.
    """

    column: str
    label: str
    better: int
    log: bool = False
    smallest: float | None = None
    best: float | None = None
    worst: float | None = None
    unit: str = ""

    def scaled(self, values: Floats) -> Floats:
        """The values on the measure's own scale: log10 where it is logarithmic, unchanged elsewhere."""
        return np.log10(np.maximum(values, LOG_FLOOR)) if self.log else values


MSE = Measure("mse_x", "MSE", -1)
LOG_MSE = Measure("mse_x", "log10 MSE", -1, log=True, smallest=1.1)
MSE_Z = Measure("mse_z", "MSE of z", -1)
LOG_MSE_Z = Measure("mse_z", "log10 MSE of z", -1, log=True)
INCEPTION = Measure("inception_score", "inception score", +1, smallest=0.05, worst=1.0)
MODES = Measure("modes_covered", "modes covered", +1, worst=0.0)
ON_MODE = Measure("on_mode_share", "on-mode share", +1, best=1.0, worst=0.0)

KL_POSTERIOR = Measure("kl_posterior", "KL(q ‖ posterior)", -1, smallest=0.05, best=0.0, unit="nats")

SUMMARISED = (MSE, INCEPTION, MODES, ON_MODE, MSE_Z)
"""What the summary table has, in reading order."""

PAIRED = (LOG_MSE, MSE, INCEPTION, ON_MODE)
"""What is compared pair by pair."""
