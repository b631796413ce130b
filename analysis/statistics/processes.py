"""Work in processes beside this one, which begin as copies of it: what was read once is there in all of them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from multiprocessing import connection
from typing import Any, TypeVar

Result = TypeVar("Result")

MOST = 4
_most: ContextVar[int] = ContextVar("most", default=1)


class LostError(RuntimeError):
    """A process ended without a result, as one does that the system stops for its memory."""


def available() -> int:
    """Cores that this process may use; 1 where a process cannot begin as a copy, or the system tells no affinity."""
    if "fork" not in multiprocessing.get_all_start_methods() or not hasattr(os, "sched_getaffinity"):
        return 1
    return len(os.sched_getaffinity(0))


def usual() -> int:
    """Processes where none are asked for: more than MOST would wait for the longest task, and each has memory of its own."""
    return min(available(), MOST)


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
    waiting = deque(range(len(tasks)))
    busy: dict[Any, int] = {}
    processes: list[Any] = []
    found: dict[int, Result | Exception] = {}
    try:
        while len(found) < len(tasks):
            while waiting and len(busy) < most:
                line = _begun(tasks, processes)
                busy[line] = _sent(line, waiting.popleft())
            for line in connection.wait(list(busy)):
                found[busy.pop(line)] = result = _received(line)
                if waiting and not isinstance(result, LostError):
                    busy[line] = _sent(line, waiting.popleft())
    finally:
        for process in processes:
            process.terminate()
            process.join()
    return [found[number] for number in range(len(tasks))]


def _begun(tasks: Sequence[Callable[[], Any]], processes: list[Any]) -> Any:
    """A connection to a process that does the tasks whose numbers it is sent."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_do, args=(tasks, there), daemon=True)
    process.start()
    there.close()
    processes.append(process)
    return here


def _sent(line: Any, number: int) -> int:
    with suppress(ConnectionError):  # of a process that has ended `_received` tells
        line.send(number)
    return number


def _attempt(task: Callable[[], Result]) -> Result | Exception:
    try:
        return task()
    except Exception as error:
        return error


def _do(tasks: Sequence[Callable[[], Any]], line: Any) -> None:
    """Sends what each task gives, or the error that it raises, until it is ended."""
    with at_most(1):
        while True:
            result = _attempt(tasks[line.recv()])
            try:
                sent = pickle.dumps(result)
            except Exception as error:  # such as an error that holds a figure
                sent = pickle.dumps(RuntimeError(f"{type(result).__name__} cannot be sent: {error}"))
            line.send_bytes(sent)


def _received(line: Any) -> Any:
    try:
        return pickle.loads(line.recv_bytes())
    except (EOFError, ConnectionError):
        line.close()
        return LostError("its process was ended, perhaps since memory is short; give --processes 1")
