"""The report, made by a process that loads neither torch nor Ray, and only where it would be another one."""

from __future__ import annotations

import subprocess
import sys

import result_digests
from sweeps.store.store import Store


class Reporting:
    """A report in the making, unless the one that is there is of the very rows.

    Args:
        store: of the study.
        iterations: the budget to report; None for the one with most rows.
        sampler: whose rows to report; None for the one with most rows.
    """

    def __init__(self, store: Store, iterations: int | None, sampler: str | None) -> None:
        self._process: subprocess.Popen[str] | None = None
        if not result_digests.report_is_current(store.uri, iterations, sampler):
            command = [sys.executable, "-m", "analysis.report", store.uri]
            command += ["--iterations", str(iterations)] if iterations else []
            self._process = subprocess.Popen(
                [*command, *(["--sampler", sampler] if sampler else [])],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )

    def finish(self) -> str | None:
        """Wait for it; None if it is there, else why not."""
        if self._process is None:
            return None
        errors = self._process.communicate()[1]
        if self._process.returncode == 0:
            return None
        return (errors.strip().splitlines() or [f"exit code {self._process.returncode}"])[-1]
