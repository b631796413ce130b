"""Sentence on how much of a study was trained when its report was made."""

from __future__ import annotations

from datetime import datetime

import result_progress
from analysis.rows import Rows, results


def so_far(study: Rows, now: datetime) -> str:
    """How much is trained, of what the study's driver says was to be trained at this budget; '' where all is, or it does not say."""
    progress = result_progress.read(study.where)
    if (
        progress is None
        or progress.complete
        or progress.unit != "runs"
        or study.budget not in progress.budgets
    ):
        return ""
    ended = results(study.trained)
    done = progress.done_with(int((ended["finished_at"] >= progress.started_at).sum()))
    if done >= progress.total:
        return ""
    most = "at most " if progress.may_end else ""
    state = "while the study was running" if progress.fresh(now) else "before the study was finished"
    return f"{done:,} of {most}{progress.total:,} runs; this report was made {state}."
