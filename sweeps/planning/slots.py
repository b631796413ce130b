"""Devices that train at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sweeps.planning import cohort_plans


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
        return cohort_plans.CPU_MEMBERS if self.device == "cpu" else cohort_plans.GPU_MEMBERS

    @property
    def memory(self) -> int:
        """Bytes that a cohort may take."""
        return cohort_plans.MEMORY if self.device == "cpu" else cohort_plans.GPU_MEMORY
