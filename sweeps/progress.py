"""Live progress of a study: runs done of total, diverged, time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from ray import tune
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sweeps.planning import CohortPlan

LINE_SECONDS = 15.0
"""Seconds between lines where the output is not a terminal."""


class StudyProgress(tune.Callback):
    """Shows progress from the reports of a study's trials.

    Time left is extrapolated from the cost model's seconds done per second elapsed, so that wide
    networks, which train first, do not make it pessimistic.

    Args:
        already: runs that were stored before.
        todo: runs to train.
        console: where to show it.
        unit: what is counted.
    """

    def __init__(self, already: int, todo: int, console: Console, unit: str = "runs") -> None:
        self.plans: dict[str, CohortPlan] = {}
        self.expected = self.planned = 0.0
        self.console = console
        self.unit = unit
        self.already = already
        self.done = already
        self.total = already + todo
        self.parts: dict[str, float] = {}
        self.diverged: dict[str, int] = {}
        self.seconds_done = 0.0
        self.diverged_runs = 0
        self.finished: set[str] = set()
        self.troubles: set[str] = set()
        self.started = time.monotonic()
        self.last_line = self.started
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn(unit + " · {task.fields[work]:.0%} of the work · {task.fields[diverged]} diverged"),
            TimeElapsedColumn(),
            TextColumn("· {task.fields[left]}"),
        )
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self.task = self.bar.add_task(
            "training", total=self.total, completed=already, work=0.0, diverged=0, left="estimating time left"
        )

    def expect(self, plans: Iterable[CohortPlan]) -> None:
        """Cohorts that are going to be trained: all of a grid, the next generation of a search."""
        for plan in plans:
            self.plans[plan.key] = plan
            self.expected += plan.seconds
            self.planned += len(plan)

    @property
    def cost(self) -> float:
        """Expected seconds of all runs; those that are not planned yet as the others."""
        return self.expected * (self.total - self.already) / max(self.planned, 1)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its callbacks for a restore; studies continue from the rows instead

    def __enter__(self) -> StudyProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.bar.stop()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Count what a trial reports; a stored cohort is done."""
        key = trial.config["cohort"]
        plan = self.plans[key]
        part = plan.seconds * (result["iteration"] - plan.since) / (plan.until - plan.since)
        # Sums are kept, not added up again: there can be tens of thousands of cohorts.
        self.seconds_done += part - self.parts.get(key, 0.0)
        self.diverged_runs += result["diverged"] - self.diverged.get(key, 0)
        self.parts[key], self.diverged[key] = part, result["diverged"]
        if (trouble := result.get("trouble")) and trouble not in self.troubles:
            self.troubles.add(trouble)
            self.console.print(f"warning: {trouble}; training goes on")
        if "stored" in result and key not in self.finished:
            self.finished.add(key)
            self.done += result["stored"]
        self._show()

    def time_left(self) -> str:
        """Words for the expected remaining time."""
        done, elapsed = self.seconds_done, time.monotonic() - self.started
        if not done or elapsed < 5:
            return "estimating time left"
        seconds = elapsed * max(0.0, self.cost - done) / done
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"

    def _show(self) -> None:
        diverged, left = self.diverged_runs, self.time_left()
        work = self.seconds_done / self.cost if self.cost else 0.0
        self.bar.update(self.task, completed=self.done, work=work, diverged=diverged, left=left)
        now = time.monotonic()
        if not self.console.is_terminal and now - self.last_line > LINE_SECONDS:
            self.last_line = now
            elapsed = now - self.started
            self.console.print(
                f"{elapsed:5.0f} s  {self.done}/{self.total} {self.unit}, {diverged} diverged, {left}"
            )
