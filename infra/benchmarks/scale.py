"""How much of each contender is trained: enough to time it, little enough to wait for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from infra.benchmarks.plain import EVALUATE_EVERY
from infra.benchmarks.workload import BUDGET, FUSIBLE, MIX_STRUCTURES, WIDTHS, Structure
from sweeps.execution.cluster import TRIALS_PER_GPU

GPU_MEMBERS = 576
GPU_PROCESSES = 16
"""Processes that pack one GPU."""

WIDE, WIDE_EXCERPT = 128, 20
"""From this width on so many iterations are timed, without an evaluation; below it, up to and with the first one."""


@dataclass(frozen=True)
class Scale:
    """Sizes of the benchmark.

    Attributes:
        device: torch device name.
        packed: processes that train one run each, at once.
        cohorts: processes that train one cohort each, at once.
        members: of a cohort.
        cores: threads that one process alone may use.
        widths: measured one by one.
        mix: structures that stand for the study.
        budget: iterations of a run; all times are for so many.
        rounds: repetitions, at most.
        seconds: in which all rounds must end, but for the first.
        product_flop: arithmetic of one timing of the batched product, per process.
        waves: runs per core of a narrow width that are trained whole, one per trial.
    """

    device: str
    packed: int
    cohorts: int
    members: int
    cores: int
    widths: tuple[int, ...] = WIDTHS
    mix: tuple[Structure, ...] = MIX_STRUCTURES
    budget: int = BUDGET
    rounds: int = 3
    seconds: float = 3600.0
    product_flop: float = 4e10
    waves: int = 2

    def excerpt(self, width: int) -> int:
        """Iterations to train of a run of this width, where it is not trained whole."""
        return min(self.budget, EVALUATE_EVERY if width < WIDE else WIDE_EXCERPT)

    def trials(self, width: int) -> int:
        """Runs of this width to train whole."""
        return self.cores * (self.waves if width < WIDE else 1)


def on_cpu(cores: int) -> Scale:
    """Every core busy: as many processes as cores, each with a cohort as large as a study's."""
    return Scale("cpu", packed=cores, cohorts=cores, members=len(FUSIBLE), cores=cores)


def on_gpu(cores: int) -> Scale:
    """One GPU; no second or third round unless it would end within seven minutes."""
    return Scale(
        "cuda",
        packed=GPU_PROCESSES,
        cohorts=min(TRIALS_PER_GPU, cores),
        members=GPU_MEMBERS,
        cores=1,
        seconds=420.0,
        product_flop=2e12,
    )


def quick(scale: Scale) -> Scale:
    """Seconds: whether everything works, at no meaning of the numbers."""
    return replace(
        scale,
        packed=1,
        cohorts=1,
        members=4,
        cores=1,
        widths=(32,),
        mix=scale.mix[:1],
        budget=20,
        rounds=1,
        product_flop=1e9,
        waves=1,
    )
