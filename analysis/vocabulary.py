"""Metrics as the analysis reads them: label, direction and scale, from the vocabulary in a study's manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from result_metrics import MetricInfo

Floats = npt.NDArray[np.float64]

LOG_FLOOR = 1e-12
"""A value below this is taken as this before a logarithm: far under any error that a float32 network reaches."""

DRAWN = (1e-100, 1e100)
"""Ends of a logarithmic axis: beyond them matplotlib's ticks leave the range of numbers."""

_LOG = "log10 "


@dataclass(frozen=True)
class Measure:
    """One metric on one scale: its natural one, or the logarithm of it.

    Attributes:
        column: its column in the rows.
        label: its name in figures and tables.
        better: +1 where larger is better, −1 where smaller is.
        ratio: whether it is compared as a ratio and drawn on a logarithmic axis.
        log: whether this is the view of a ratio on its logarithmic scale (base 10).
        smallest: difference of interest where a study declares none, in its own units, a factor of a ratio;
            None: a verdict is given only where a study declares one.
        best, worst: its best and worst possible value on any data; None where there is none, or where the data decide:
            their best is in the manifest.
        unit: of a metric whose differences alone mean something, such as nats; empty of one with a natural zero.
    """

    column: str
    label: str
    better: int
    ratio: bool = False
    log: bool = False
    smallest: float | None = None
    best: float | None = None
    worst: float | None = None
    unit: str = ""

    @classmethod
    def of(cls, info: MetricInfo) -> Measure:
        """The metric on its natural scale."""
        return cls(info.name, info.label, info.better, ratio=info.log, smallest=info.smallest, best=info.best,
                   worst=info.worst, unit=info.unit)  # fmt: skip

    @property
    def compared(self) -> Measure:
        """The scale of comparisons: the logarithm of a ratio, the natural scale of another metric."""
        return replace(self, label=f"{_LOG}{self.label}", log=True) if self.ratio and not self.log else self

    @property
    def name(self) -> str:
        """The label of the natural scale."""
        return self.label.removeprefix(_LOG)

    @property
    def bounded(self) -> bool:
        """Whether both ends are known on any data, as those of a share."""
        return self.best is not None and self.worst is not None

    @property
    def declares(self) -> bool:
        """Whether the vocabulary tells how far two values are apart: by a factor, a difference of interest, an end or a unit."""
        ends = (self.smallest, self.best, self.worst)
        return self.ratio or bool(self.unit) or any(end is not None for end in ends)

    def scaled(self, values: Floats) -> Floats:
        """The values on the measure's own scale: log10 where it is logarithmic, unchanged elsewhere."""
        return np.log10(np.maximum(values, LOG_FLOOR)) if self.log else values
