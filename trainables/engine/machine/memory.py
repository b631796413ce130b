"""How many members of a cohort a GPU's memory holds, and how it says that it does not."""

from __future__ import annotations

import functools
import gc
from collections.abc import Sequence
from dataclasses import replace

import torch

from trainables.engine import cost
from trainables.engine.machine.allocator import return_freed_memory
from trainables.engine.training import Training
from trainables.iterations import BLOCK
from trainables.runs import Run

PROBE = 16
"""Members that are trained to measure one's memory."""

HEADROOM = 0.8
"""Part of the memory that cohorts are cut for; the allocator loses some of it between blocks."""


def fitting(runs: Sequence[Run], device: str, share: float) -> int:
    """Members like `runs` that fit in a part of a GPU, at least one; on a CPU, for which they were cut, all.

    Args:
        runs: of one structure.
        device: torch device name.
        share: part of the GPU's memory that is ours.
    """
    if torch.device(device).type != "cuda" or len(runs) <= PROBE:
        return len(runs)
    each = bytes_per_member(runs, device)
    free, total = torch.cuda.mem_get_info(device)
    return max(1, int(HEADROOM * min(free, share * total) / each))


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
