"""A study's status in words, and as plain values for other programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from result_schema import Outcome
from sweeps.console.errors import one_line
from sweeps.planning.remaining import words as duration
from sweeps.status.reading import State, Status


def lines(status: Status) -> Iterator[str]:
    """The status, line by line."""
    yield f"{status.study}: {status.state}"
    progress = status.progress
    if status.holder:
        yield f"driver    {status.holder}"
    if progress is not None:
        yield f"done      {_done(status)}"
        if status.state is State.TRAINING:
            yield (f"training  {progress.running:,} runs on {progress.slots_in_use:,} of {progress.slots:,} slots ({progress.device}), "
                   f"as of {_age(status)} ago")  # fmt: skip
            yield f"rate      {_rate(status)}"
            yield f"left      {_left(status)}"
        elif status.state in (State.UNFINISHED, State.LOST):
            yield (f"continue  {progress.total - status.done:,} {progress.unit} are not finished, last heard "
                   f"{progress.written_at:%Y-%m-%d %H:%M:%S} UTC; give the study's command again to train them")  # fmt: skip
    counts = [f"{status.outcomes[o]:,} {o}" for o in Outcome if status.outcomes[o]]
    yield f"stored    {status.outcomes.total():,} runs: {', '.join(counts) or 'none'}"
    if status.begun and not status.running:
        yield f"kept      the states of {status.begun:,} cohorts that were cut off: they go on from there"
    yield f"failed    {status.outcomes[Outcome.FAILED]:,}"
    if status.error:
        yield f"error     {one_line(status.error)}"
    yield f"report    {status.report or 'none yet'}"


def short(status: Status) -> str:
    """The status in one line."""
    parts = [f"{status.at:%H:%M:%S}", str(status.state)]
    if status.progress is not None:
        parts.append(_done(status))
    if status.state is State.TRAINING:
        parts += [_rate(status), _left(status)]
    return "  ".join(parts)


def _done(status: Status) -> str:
    progress = status.progress
    assert progress is not None
    share = f" ({status.done / progress.total:.1%})" if progress.total else ""
    return f"{status.done:,} of {'at most ' if progress.may_end else ''}{progress.total:,} {progress.unit}{share}"


def _rate(status: Status) -> str:
    a_minute = 60 * status.rate
    return f"{a_minute:,.0f} runs a minute" if a_minute >= 10 else f"{60 * a_minute:,.0f} runs an hour"


def _left(status: Status) -> str:
    if status.seconds_left is None:
        return "cannot be told yet"
    bound = "at most" if status.progress and status.progress.may_end else "about"
    return f"{bound} {duration(status.seconds_left)}"


def _age(status: Status) -> str:
    assert status.progress is not None
    return duration(max(0.0, (status.at - status.progress.written_at).total_seconds()))


def plain(status: Status) -> dict[str, Any]:
    """The status as values of JSON."""
    fields = {field.name: getattr(status, field.name) for field in dataclasses.fields(status)}
    progress = fields.pop("progress")
    return {
        **fields,
        "state": status.state.name,
        "words": str(status.state),
        "at": status.at.isoformat(),
        "rate": None if math.isnan(status.rate) else status.rate,
        "outcomes": dict(status.outcomes),
        "running": status.running,
        "total": None if progress is None else progress.total,
        "unit": None if progress is None else progress.unit,
        "runs_in_training": 0 if progress is None or status.state is not State.TRAINING else progress.running,
        "slots": None if progress is None else progress.slots,
        "slots_in_use": 0
        if progress is None or status.state is not State.TRAINING
        else progress.slots_in_use,
    }
