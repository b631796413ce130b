"""What was measured, every repetition of it, and where."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median

import torch

from sweeps.planning import cores
from sweeps.store.provenance import git_commit
from trainables.engine.machine.arithmetic import processor

PACKAGES = ("torch", "numpy", "ray", "tensorboardX")


@dataclass(frozen=True)
class Measurement:
    """One repetition of one contender.

    Attributes:
        contender: key of `table.CONTENDERS`, or 'product'.
        scope: a width, or 'mix'.
        repetition: 1, 2, …
        runs: trained; 0 for the product.
        iterations: trained of each run, or products computed.
        seconds_per_run: wall seconds on the whole machine, for runs of the study's budget; 0 for the product.
        start_up: of `seconds_per_run`, what is paid once per cohort and not once per iteration.
        flops: floating-point operations per second of the whole machine while it trained.
    """

    contender: str
    scope: str
    repetition: int
    runs: int
    iterations: int
    seconds_per_run: float
    start_up: float
    flops: float


def typical(measurements: Iterable[Measurement], contender: str, scope: str, field: str) -> float | None:
    """The median over the repetitions of one field; None if there is none."""
    values = [getattr(m, field) for m in measurements if (m.contender, m.scope) == (contender, scope)]
    return median(values) if values else None


def machine(device: str) -> dict[str, str | int]:
    """Processor, cores, device, commit and versions."""
    found: dict[str, str | int] = {
        "processor": processor(),
        "cores": cores.available(),
        "device": device if device == "cpu" else torch.cuda.get_device_name(),
        "commit": git_commit(),
        "python": platform.python_version(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
