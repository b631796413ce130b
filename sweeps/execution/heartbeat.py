"""Writes how far a study is into its directory, for those who watch it from elsewhere."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

from ray import tune

import result_progress
from result_progress import Progress
from sweeps.execution.lost import Lost
from sweeps.execution.progress import SETTLED_SECONDS, StudyProgress
from sweeps.store.lease import Fenced
from sweeps.store.store import Store


class Heartbeat(tune.Callback):
    """Tune callback that keeps `result_progress` of a study up to date. What cannot be written is left out.

    Args:
        store: the study's.
        progress: counts of the study, from the reports of its trials.
        lost: cohorts that train, and that were lost.
    """

    def __init__(self, store: Store, progress: StudyProgress, lost: Lost) -> None:
        self.store, self.progress, self.lost = store, progress, lost
        self.started_at = datetime.now(UTC)
        self.begun = time.monotonic()
        self.written = float("-inf")

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its callbacks for a restore; studies continue from the rows instead

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Writes the progress if it is due, for the first time once a cohort trains."""
        if self.lost.running and time.monotonic() - self.written > result_progress.SECONDS:
            self.write()

    def write(self, ended: bool = False) -> None:
        """Writes the progress, unless another driver has taken the lease."""
        with contextlib.suppress(OSError, Fenced):
            if self.store.token:
                self.store.token.check()
            result_progress.keep(self.store.filesystem, self.store.path, self._now(ended))
        self.written = time.monotonic()

    def _now(self, ended: bool) -> Progress:
        progress, running = self.progress, [] if ended else sorted(self.lost.running)
        plans = progress.plans
        return Progress(
            total=progress.total,
            already=progress.already,
            done=progress.done,
            unit=progress.unit,
            may_end=progress.may_end,
            budgets=tuple(sorted({plan.budget for plan in plans.values()})),
            diverged=progress.diverged_runs,
            running=sum(len(plans[key]) for key in running if key in plans),
            slots=progress.slots.count,
            slots_in_use=len(running),
            device=progress.slots.device,
            seconds_left=None if ended else self._left(),
            error=next(reversed(self.lost.reasons.values()), ""),
            lease=self.store.token.number if self.store.token else 0,
            started_at=self.started_at,
            written_at=datetime.now(UTC),
            ended=ended,
        )

    def _left(self) -> float | None:
        settled = time.monotonic() - self.begun > SETTLED_SECONDS
        return self.progress.seconds_left() if settled else None
