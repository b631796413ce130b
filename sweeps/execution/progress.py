"""Shows the live progress of a study: runs done, runs diverged, time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from ray import tune
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sweeps.planning import forecast
from sweeps.planning.cohort_plans import CohortPlan
from sweeps.planning.remaining import Remaining, words
from sweeps.planning.slots import Slots

LINE_SECONDS = 15.0
"""Seconds between lines if the output is not a terminal."""

SETTLED_SECONDS = 5.0
"""Seconds before time left is shown."""


class StudyProgress(tune.Callback):
    """Tune callback that shows progress from the reports of a study's trials.

    Args:
        already: units that are done before.
        todo: units to train.
        console: output.
        slots: devices that train.
        unit: word for the counted units.
        may_end: True if `todo` is an upper bound.
    """

    def __init__(
        self,
        already: int,
        todo: int,
        console: Console,
        slots: Slots,
        unit: str = "runs",
        may_end: bool = False,
    ) -> None:
        self.slots, self.may_end = slots, may_end
        self.remaining = Remaining(slots.count, forecast.end_seconds(todo))
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
        """Adds cohorts to train: a whole grid, or the next generation of a search."""
        for plan in plans:
            self.plans[plan.key] = plan
            seconds = forecast.trial_seconds(forecast.seconds(plan, self.slots), self.slots.count)
            self.remaining.expect(plan.key, seconds)
            self.expected += seconds
            self.planned += len(plan)

    @property
    def cost(self) -> float:
        """Expected seconds of all runs; runs that are not planned yet count as the average of the others."""
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

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Marks a trial as begun, or begun again."""
        self.remaining.begin(trial.config["cohort"], time.monotonic())

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Marks a trial as ended."""
        self.remaining.end(trial.config["cohort"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Marks a trial as lost for good."""
        self.remaining.end(trial.config["cohort"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Counts a trial's report; a stored cohort is done."""
        key = trial.config["cohort"]
        plan = self.plans[key]
        share = (result["iteration"] - plan.since) / (plan.until - plan.since)
        self.remaining.report(key, share, time.monotonic())
        part = self.remaining.expected[key] * share
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
        """Expected remaining time, in words."""
        if time.monotonic() - self.started < SETTLED_SECONDS:
            return "estimating time left"
        return f"{'at most' if self.may_end else 'about'} {words(self.seconds_left())} left"

    def seconds_left(self) -> float:
        """Expected remaining time."""
        return self.remaining.seconds(time.monotonic(), later=max(0.0, self.cost - self.expected))

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
