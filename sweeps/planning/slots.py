"""Devices that train at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

CPU_MEMBERS = 24
"""Largest cohort on a CPU, where size gains little: small enough to store, show and retry often."""

GPU_MEMBERS = 1024
"""Largest cohort on a GPU, if memory allows."""

MEMORY = 2 << 30
"""Bytes that a cohort may take on a CPU."""

GPU_MEMORY = 16 << 30
"""Bytes that a cohort may be expected to take on a GPU; its trial measures, and trains it in parts if need be."""


@final
@dataclass(frozen=True)
class Slots:
    """Trials that run at once and the resources that each of them takes.

    Attributes:
        count: number of trials.
        device: torch device name.
        resources: those of one trial, for Ray Tune.
        own: True if Ray was started here for this study: its workers inherit the environment, and it ends with the study.
    """

    count: int
    device: str
    resources: dict[str, float]
    own: bool = False

    @property
    def members(self) -> int:
        """Largest size of a cohort."""
        return CPU_MEMBERS if self.device == "cpu" else GPU_MEMBERS

    @property
    def memory(self) -> int:
        """Bytes that a cohort may take."""
        return MEMORY if self.device == "cpu" else GPU_MEMORY
