"""A command's output, which must not end its work.

Shared by `sweeps`, `analysis` and `infra`, as the result schema is.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from typing import Any


class _Lasting(io.FileIO):
    """A file that drops what can no longer be written: its reader has gone, its terminal is closed, its disk is full."""

    def write(self, content: Any) -> int:
        try:
            while (
                written := super().write(content)
            ) is None:  # the reader is slow and the file does not block
                select.select([], [self], [], 1.0)
        except OSError as error:
            written = memoryview(content).nbytes
            _drop(self.fileno(), error)
        return written


def lasting() -> None:
    """Have this command go on where its output is lost, and print a ? for what its encoding lacks.

    Only a process's own standard streams: whatever else has taken their place stays.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        with contextlib.suppress(AttributeError, OSError, ValueError):  # there is none, or it is no file
            if isinstance(stream, io.TextIOWrapper) and stream.fileno() == number:
                stream.flush()
                buffer = io.BufferedWriter(_Lasting(number, "w", closefd=False))
                errors = "replace" if stream.errors in ("strict", "surrogateescape") else stream.errors
                line_buffering = stream.line_buffering
                setattr(
                    sys,
                    name,
                    io.TextIOWrapper(buffer, stream.encoding, errors, line_buffering=line_buffering),
                )


def _drop(number: int, error: OSError) -> None:
    """Send what else is written to a standard stream nowhere, and say so on the other one."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    if number == 1:
        with contextlib.suppress(OSError):
            os.write(2, f"warning: the output is lost ({error.strerror}); the command goes on\n".encode())
