"""A line at the top of a report that was made before all declared runs were trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import final

import result_progress
from analysis.document.blocks import NOTE, Block, Text
from analysis.rows import Rows, results
from analysis.sections.base import Report, Section


@final
class Running(Section):
    """How much of the study was trained when its report was made; nothing where all was."""

    name, order, title = "running", 5, "How far the study is"

    def opening(self, report: Report) -> Iterable[Block]:
        if words := so_far(report.study, datetime.now(UTC)):
            yield Text(words, NOTE)

    def blocks(self, report: Report) -> Iterator[Block]:
        yield from ()


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
