"""The report, made by a process that loads neither torch nor Ray, and only where it would be another one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import result_digests
from sweeps.store.store import Store

FAILURE = "The section "
"""Beginning of the line in which a report tells of a section that could not be made."""


@dataclass(frozen=True)
class Reported:
    """End of a report.

    Attributes:
        error: reason why there is none; empty if there is one.
        failures: a line for each section that could not be made.
    """

    error: str = ""
    failures: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """True if the report is there with every section."""
        return not self.error and not self.failures


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
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def finish(self) -> Reported:
        """Waits for the report."""
        if self._process is None:
            return Reported()
        written, errors = self._process.communicate()
        if self._process.returncode == 0:
            return Reported()
        lines = errors.strip().splitlines() or [f"exit code {self._process.returncode}"]
        if self._process.returncode == 1 and written.strip():  # the place of a report, after its failures
            return Reported(
                failures=tuple(line for line in lines if line.startswith(FAILURE)) or (lines[-1],)
            )
        return Reported(error=lines[-1])
