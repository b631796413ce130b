"""Work in processes beside this one, which begin as copies of it: what was read once is there in all of them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import connection
from typing import Any, TypeVar

Result = TypeVar("Result")

_most: ContextVar[int] = ContextVar("most", default=1)


class LostError(RuntimeError):
    """A process ended without a result, as one does that the system stops for its memory."""


def available() -> int:
    """Cores that this process may use; 1 where a process cannot begin as a copy, or the system tells no affinity."""
    if "fork" not in multiprocessing.get_all_start_methods() or not hasattr(os, "sched_getaffinity"):
        return 1
    return len(os.sched_getaffinity(0))


@contextmanager
def at_most(processes: int) -> Iterator[None]:
    """Tasks that are done meanwhile are done in so many processes at once; without this in one, which is this one."""
    token = _most.set(processes)
    try:
        yield
    finally:
        _most.reset(token)


def done(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of tasks in their order; those of pure functions are the same in any number of processes.

    Raises:
        Exception: a task raised it, the first of those that did.
        LostError: as `attempted`.
    """
    results = attempted(tasks)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return [result for result in results if not isinstance(result, Exception)]


def attempted(tasks: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """The result of each task or, where it raised one, its error: LostError where its process ended without a result."""
    most = min(_most.get(), len(tasks))
    if most < 2:
        return [_attempt(task) for task in tasks]
    waiting = iter(enumerate(tasks))
    running: dict[Any, int] = {}
    processes: list[Any] = []
    found: dict[int, Result | Exception] = {}
    try:
        while len(found) < len(tasks):
            for number, task in itertools.islice(waiting, most - len(running)):
                here, there = multiprocessing.Pipe(duplex=False)
                process = multiprocessing.get_context("fork").Process(
                    target=_do, args=(task, there), daemon=True
                )
                process.start()
                there.close()
                processes.append(process)
                running[here] = number
            for ready in connection.wait(list(running)):
                found[running.pop(ready)] = _received(ready)
    finally:
        for process in processes:
            process.terminate()  # one that has sent its result ends by itself
            process.join()
    return [found[number] for number in range(len(tasks))]


def _attempt(task: Callable[[], Result]) -> Result | Exception:
    try:
        return task()
    except Exception as error:
        return error


def _do(task: Callable[[], Any], there: connection.Connection) -> None:
    """Sends what a task gives, or the error that it raises."""
    with at_most(1):
        result = _attempt(task)
    try:
        sent = pickle.dumps(result)
    except Exception as error:  # such as an error that holds a figure
        sent = pickle.dumps(RuntimeError(f"{type(result).__name__} cannot be sent: {error}"))
    there.send_bytes(sent)
    there.close()


def _received(ready: Any) -> Any:
    with ready:
        try:
            return pickle.loads(ready.recv_bytes())
        except EOFError:
            return LostError("its process was ended, perhaps since memory is short; give --processes 1")
