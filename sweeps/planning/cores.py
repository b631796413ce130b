"""Counts the CPU cores that this process may use; batch systems and containers grant a part of the machine's."""

from __future__ import annotations

import math
import os
from pathlib import Path

MEMBERSHIP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def available() -> int:
    """Whole cores within the process's affinity, set by taskset and Slurm, and its control groups' quota; at least one."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(max(1, min(ours, quota())))


def quota() -> float:
    """CPU quota of this process in cores, from control groups of version 1 or 2; infinite without a limit."""
    try:
        memberships = MEMBERSHIP.read_text().splitlines()
    except OSError:
        return math.inf
    least = math.inf
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        if not controllers:
            mount = GROUPS
        elif "cpu" in controllers.split(","):
            mount = GROUPS / "cpu"
        else:
            continue
        # A container may see its own group as the root, under the path that it has outside.
        group = mount / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(mount):
                least = min(least, _limit(folder))
    return least


def _limit(folder: Path) -> float:
    """CPU limit of one control group in cores; it holds for all groups below."""
    try:
        if (folder / "cpu.max").exists():
            amount, period = (folder / "cpu.max").read_text().split()
        else:
            amount, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(amount) / float(period) if amount != "max" and float(amount) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf
