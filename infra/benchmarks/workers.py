"""Processes that train what they are given and say how long it took."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Any

import torch

Progress = Iterator[int]
"""Training under way: each `next` does some iterations and says how many."""


@dataclass(frozen=True)
class Task:
    """An excerpt of a training.

    Attributes:
        start: `start(*arguments, device)` builds what is to be trained; module-level, to be pickled.
        iterations: at least this many are trained; as many as the first `next` does if 0.
        threads: that torch may use.
    """

    start: Callable[..., Progress]
    arguments: tuple[Any, ...]
    iterations: int
    threads: int = 1


@dataclass(frozen=True)
class Timing:
    """What a task took: seconds to build it, seconds and iterations of its excerpt."""

    built: float
    seconds: float
    iterations: int


class Workers:
    """A fixed number of processes on one device, each with memory, allocator and caches of its own.

    Args:
        count: how many.
        device: torch device name.
        warm_up: what each process does before anything is timed: imports, contexts, first kernels.
    """

    def __init__(self, count: int, device: str, warm_up: Sequence[Task]) -> None:
        self.count, self.device = count, device
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(
            count, spawn, _warm_up, (device, tuple(warm_up), spawn.Barrier(count))
        )
        list(self._pool.map(int, range(count)))  # a task for each: they are started when asked for

    def run(self, *tasks: Task) -> list[Timing]:
        """The tasks, as many at once as there are processes."""
        return list(self._pool.map(_run, tasks, itertools.repeat(self.device)))

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


def _warm_up(device: str, tasks: Sequence[Task], all_up: Barrier) -> None:
    for task in tasks:
        _run(task, device)
    all_up.wait()


def _run(task: Task, device: str) -> Timing:
    torch.set_num_threads(task.threads)
    begun = _now(device)
    training = task.start(*task.arguments, device)
    built = _now(device)
    iterations = next(training)
    while iterations < task.iterations:
        iterations += next(training)
    ended = _now(device)
    del training
    if device != "cpu":
        torch.cuda.empty_cache()  # other processes share the device's memory
    return Timing(built - begun, ended - built, iterations)


def _now(device: str) -> float:
    """Seconds, once the device has done what it was given."""
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()
