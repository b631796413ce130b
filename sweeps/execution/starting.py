"""Ray's start beside other work, and its end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future

from sweeps.execution.cluster import disconnect
from sweeps.planning.slots import Slots


class Starting(Future[Slots]):
    """Slots of a Ray that is starting.

    Attributes:
        left: set when it has ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left = threading.Event()


def beside(function: Callable[..., Slots], *arguments: object) -> Starting:
    """Calls the function in a thread that then stays until `leave`: Ray's processes end with the thread that started them (Linux'
    PR_SET_PDEATHSIG), and a driver ends a minute after them.
    """
    called = Starting()

    def call() -> None:
        try:
            called.set_result(function(*arguments))
        except BaseException as error:  # raised where the result is taken
            called.set_exception(error)
        else:
            called.left.wait()

    threading.Thread(target=call, name="Ray's start", daemon=True).start()
    return called


def leave(starting: Starting) -> None:
    """Waits for the start, and ends what was started here; where nothing was, there is nothing to end."""
    with contextlib.suppress(Exception):
        disconnect(starting.result())
    starting.left.set()
