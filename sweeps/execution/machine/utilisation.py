"""Measures how much of the machine is used while a cohort trains: processors, memory and, where it tells, the trial's GPU.

As MLflow's own system metrics: of the whole machine, or of the whole GPU, whoever uses it. Read every few seconds, between
iterations; what is not told is unknown, and never 0.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from result_schema import UTILISATION
from sweeps.execution.machine.nvml import graphics

LOOK_SECONDS = 5.0
"""Shortest time between two readings."""

CPU, MEMORY, GPU, GPU_MEMORY = UTILISATION

Reading = Callable[[], Mapping[str, float]]
"""Column -> value now, of processors since the last call."""


class Utilisation:
    """Means over the time in which a cohort trains.

    Args:
        device: torch device of the trial.
    """

    def __init__(self, device: str) -> None:
        self._readings = [reading for reading in (processors(), gpu(device)) if reading is not None]
        self.begin()

    def begin(self) -> None:
        """Measures anew, from now on."""
        self._read()
        self._sums, self._seconds = defaultdict[str, float](float), defaultdict[str, float](float)
        self._looked = time.monotonic()

    def look(self, last: bool = False) -> None:
        """Reads if that is due; the last time also if not."""
        now = time.monotonic()
        if not (last or now - self._looked > LOOK_SECONDS):
            return
        seconds = max(now - self._looked, 1e-9)
        for column, value in self._read().items():
            self._sums[column] += seconds * value
            self._seconds[column] += seconds
        self._looked = now

    @property
    def means(self) -> dict[str, float]:
        """Column -> mean since it began, of those that were told."""
        return {column: total / self._seconds[column] for column, total in self._sums.items()}

    def _read(self) -> dict[str, float]:
        return {column: value for reading in self._readings for column, value in reading().items()}


def processors() -> Reading | None:
    """Processors and memory of this machine; None where psutil, of which Ray brings a copy, is not there."""
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return None

    def reading() -> Mapping[str, float]:
        return {CPU: float(psutil.cpu_percent()), MEMORY: psutil.virtual_memory().used / 1e6}

    return reading


def gpu(device: str) -> Reading | None:
    """The GPU that is this process's `device`; None for a CPU, and where NVML or its package is not there."""
    there = graphics(device)
    if there is None:
        return None
    nvml, handle = there

    def reading() -> Mapping[str, float]:
        told = {}
        with contextlib.suppress(
            Exception
        ):  # NVML has errors of its own: a part of a GPU tells less than a whole one
            told[GPU] = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        with contextlib.suppress(Exception):
            told[GPU_MEMORY] = nvml.nvmlDeviceGetMemoryInfo(handle).used / 1e6
        return told

    return reading
