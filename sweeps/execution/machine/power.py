"""Measures the power that a trial's part of its device takes, where the machine tells; elsewhere it is unknown, and never 0.

A CPU's packages tell their energy by RAPL, in Linux' powercap, mostly to root alone; a GPU by NVML, if its Python package is
installed. Both count all that runs there. A trial on a CPU core is taken to have that core's share of all packages, one on a part of
a GPU that part, whatever its neighbours do: so a machine whose slots are all at work has the sum of its trials.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from sweeps.execution.machine.nvml import graphics

POWERCAP = Path("/sys/class/powercap")

LOOK_SECONDS = 5.0
"""Shortest time between two readings; a package's counter starts anew after minutes, and no more often than it is read."""

Joules = Callable[[], float | None]
"""Energy since the last call; None where it cannot be read any more."""


class Meter:
    """Mean power of a trial's part of its device while a cohort trains.

    Args:
        device: torch device.
        share: of a GPU; None for one CPU core.

    Attributes:
        share: of the device that rows name: 1 of a core.
    """

    def __init__(self, device: str, share: float | None) -> None:
        self.share = 1.0 if device == "cpu" else (share or 1.0)
        self._part = 1 / (os.cpu_count() or 1) if device == "cpu" else self.share
        self._joules = packages() if device == "cpu" else gpu(device)
        self.begin()

    def begin(self) -> None:
        """Measures anew, from now on."""
        if self._joules is not None:
            self._joules()
        self._used: float | None = 0.0
        self._seconds = 0.0
        self._looked = time.monotonic()

    def look(self, last: bool = False) -> None:
        """Reads the counters if that is due; the last time also if not."""
        now = time.monotonic()
        if self._joules is None or not (last or now - self._looked > LOOK_SECONDS):
            return
        used = self._joules()
        self._used = None if used is None or self._used is None else self._used + used
        self._seconds += now - self._looked
        self._looked = now

    @property
    def watts(self) -> float | None:
        """Mean power since it began, of the part; None where it is not known."""
        if self._joules is None or not self._used or not self._seconds:
            return None
        return self._part * self._used / self._seconds


def packages(folder: Path = POWERCAP) -> Joules | None:
    """Energy of all CPU packages of this machine; None where it does not tell."""
    zones = [zone for zone in sorted(folder.glob("*-rapl:*")) if zone.name.count(":") == 1]
    zones = [zone for zone in zones if _text(zone / "name").startswith("package")]
    before = [_number(zone / "energy_uj") for zone in zones]
    ranges = [_number(zone / "max_energy_range_uj") for zone in zones]
    if not zones or None in before:
        return None

    def joules() -> float | None:
        used = 0.0
        for n, zone in enumerate(zones):
            was, now, most = before[n], _number(zone / "energy_uj"), ranges[n]
            if was is None or now is None or (now < was and most is None):
                return None
            used += now - was + (most or 0.0) * (now < was)  # the counter started anew
            before[n] = now
        return used / 1e6

    return joules


def gpu(device: str) -> Joules | None:
    """Energy of the GPU that is this process's `device`; None where NVML or its package is not there, or the GPU does not tell."""
    with contextlib.suppress(Exception):  # NVML has errors of its own
        there = graphics(device)
        if there is None:
            return None
        nvml, handle = there
        before = [float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))]

        def joules() -> float | None:
            with contextlib.suppress(Exception):
                now = float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
                used, before[0] = now - before[0], now
                return used / 1e3
            return None

        return joules
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _number(file: Path) -> float | None:
    text = _text(file)
    return float(text) if text.isdecimal() else None
