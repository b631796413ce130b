"""Compiles what runs need before they train, while something else goes on: the kernels and their objectives' losses."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterable

import torch

from trainables.engine.cohort import Cohort
from trainables.engine.native import build
from trainables.runs import Run


def compile_ahead(runs: Iterable[Run]) -> None:
    """Starts compiling in the background and returns at once, where nothing was compiled before.

    Workers that want a library meanwhile wait for it. Where there are kernels, the losses mostly are there too, and new ones are
    left to the workers.

    Args:
        runs: one of each algorithm, data set and batch size is enough; further ones cost nothing.
    """
    if build.are_built():
        return

    def compile_all() -> None:
        done: set[tuple[str, str, int]] = set()
        for run in runs:
            what = (run.algorithm, run.data, run.configuration.batch_size)
            if what not in done:
                done.add(what)
                # A worker that fails as well says why.
                with contextlib.suppress(OSError, ValueError, RuntimeError, subprocess.SubprocessError):
                    Cohort([run], torch.device("cpu"))

    threading.Thread(target=compile_all, name="compile ahead", daemon=True).start()
