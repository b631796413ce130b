"""Commands that are measured from outside: wall time, and the most memory of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One command.

    Attributes:
        seconds: from its start to its end.
        processor: seconds of all cores that it took, its children's among them.
        peak: largest resident memory of the process, in bytes.
        output: of both kinds.
    """

    seconds: float
    processor: float
    peak: int
    output: str


def run(*words: str, allowed: Sequence[int] = (0,)) -> Measured:
    """Runs `python WORDS`.

    Raises:
        RuntimeError: it ends with another code.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        raise RuntimeError(
            f"{' '.join(words)[:200]} must end with {allowed}, got {process.returncode}: {output[-500:]}"
        )
    return Measured(
        time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10, output
    )
