"""Handles SIGTERM, which schedulers and clouds send some seconds before the end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from rich.console import Console

from sweeps.store.lease import Lease


@contextlib.contextmanager
def stopped_by_sigterm(token: Lease, console: Console) -> Iterator[None]:
    """Context in which SIGTERM makes the lease's trials save their state and end; a main thread alone receives it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        console.print("SIGTERM: the state of what is in training is kept")
        with contextlib.suppress(OSError):  # no room: then there is none for a state either
            token.stop()
        signal.signal(signum, signal.SIG_DFL)  # the second one ends it at once

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
