"""How many members of a cohort a device's memory holds, and how it says that it does not."""

from __future__ import annotations

import functools
import gc
from collections.abc import Sequence
from dataclasses import replace

import torch

from trainables.engine import cost
from trainables.engine.machine import host
from trainables.engine.machine.allocator import return_freed_memory
from trainables.engine.training import Training
from trainables.iterations import BLOCK
from trainables.runs import Run

PROBE = 16
"""Members that are trained to measure one's memory."""

HEADROOM = 0.8
"""Part of the memory that cohorts are cut for; the allocator loses some of it between blocks."""


LARGE = 256 << 20
"""Bytes that a cohort on a CPU is expected to take, below which nothing is measured."""


def fitting(runs: Sequence[Run], device: str, share: float) -> int:
    """Members like `runs` that fit in a part of a device's memory, at least one.

    A first block and evaluation is measured, on a GPU of a few members; on a CPU of one, where many are expected to take much,
    for members that train one after the other share most of it.

    Args:
        runs: of one structure.
        device: torch device name.
        share: part of the memory that is ours.
    """
    if torch.device(device).type != "cuda":
        return _fitting_on_cpu(runs, device, share)
    if len(runs) <= PROBE:
        return len(runs)
    each = bytes_per_member(runs, device)
    free, total = torch.cuda.mem_get_info(device)
    return max(1, int(HEADROOM * min(free, share * total) / each))


def _fitting_on_cpu(runs: Sequence[Run], device: str, share: float) -> int:
    few = cost.fused(runs[0]) or len(runs) == 1 or cost.bytes_of(runs[0], len(runs)) < LARGE
    if few or not host.available():
        return len(runs)
    room = HEADROOM * share * host.available()
    with host.Peak() as peak:
        Training([replace(runs[0], budget=BLOCK)], device).advance()
    release()
    return max(1, min(len(runs), 1 + int((room - peak.bytes) / cost.bytes_per_member(runs[0]))))


def bytes_per_member(runs: Sequence[Run], device: str) -> float:
    """Peak bytes per member of a GPU in a first block and evaluation of a few; estimated if not even they fit."""
    few = [replace(run, budget=BLOCK) for run in runs[:PROBE]]
    torch.cuda.init()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    try:
        Training(few, device).advance()
        return (torch.cuda.max_memory_allocated(device) - before) / len(few)
    except RuntimeError as error:
        if not exhausted(error):
            raise
        return cost.bytes_per_member(runs[0])
    finally:
        release()


def exhausted(error: RuntimeError) -> bool:
    """Whether a device ran out of memory: CUDA's graphs and libraries say so in words only."""
    words = ("out of memory", "STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


@functools.cache
def keep_loaded() -> None:
    """Spare the collector all that this process has loaded: to look it through at each `release` takes 0.14 to 0.2 s."""
    gc.freeze()


def release() -> None:
    """Give what finished cohorts left back to the system and to the GPU."""
    gc.collect()
    return_freed_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
