"""Compiles what runs need before they train, while something else goes on: the kernels and their objectives' losses."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterable

import torch

from trainables.cohort import Cohort
from trainables.runs import Run


def compile_ahead(runs: Iterable[Run]) -> threading.Thread:
    """Starts compiling in the background and returns at once; the thread that does it ends with the process.

    A worker that needs a loss meanwhile waits for it, or compiles it.

    Args:
        runs: one of each algorithm, data set and batch size is enough; further ones cost nothing.
    """

    def compile_all() -> None:
        done: set[tuple[str, str, int]] = set()
        for run in runs:
            what = (run.algorithm, run.data, run.configuration.batch_size)
            if what not in done:
                done.add(what)
                # A worker that fails as well says why.
                with contextlib.suppress(OSError, ValueError, RuntimeError, subprocess.SubprocessError):
                    Cohort([run], torch.device("cpu"))

    thread = threading.Thread(target=compile_all, name="compile ahead", daemon=True)
    thread.start()
    return thread
