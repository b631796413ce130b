"""`python -m sweeps.store.compact`, which kills itself: python -m tests.drills.compacting DIRECTORY STEPS.

The process is gone by SIGKILL before it gives a file its name or deletes one, after so many of these steps.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

import result_files
from sweeps.store import compact


class Steps:
    """Counts changes of the storage, also by threads, and ends the process before one more than `last`."""

    def __init__(self, last: int) -> None:
        self._last, self._lock = last, threading.Lock()

    def step(self) -> None:
        with self._lock:
            if not self._last:
                os.kill(os.getpid(), signal.SIGKILL)
            self._last -= 1


def prepare(steps: Steps) -> None:
    """Has files of rows, curves and samples named and deleted step by step."""

    class Disk(pafs.LocalFileSystem):
        def delete_file(self, path: str) -> None:
            if path.endswith(".parquet"):
                steps.step()
            super().delete_file(path)

    named = Path.replace

    def replace(path: Path, target: Any) -> Path:
        if str(target).endswith(".parquet"):
            steps.step()
        return named(path, target)

    Path.replace = replace  # type: ignore[method-assign]
    result_files.pafs.LocalFileSystem = Disk  # of directories that are opened from now on


if __name__ == "__main__":
    prepare(Steps(int(sys.argv[2])))
    sys.exit(compact.main(compact.Options(sys.argv[1])))
