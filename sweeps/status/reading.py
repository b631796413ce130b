"""State of a study, from what is in its directory: rows, lease, progress, the states that cohorts continue from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs

import result_progress
from result_files import below, open_directory, visible_files
from result_manifest import read_manifest
from result_progress import Progress
from result_schema import FINISHED, Outcome
from sweeps.status.stored_rows import StoredRows
from sweeps.store import lease
from sweeps.store.store import BEGUN

WINDOW = timedelta(minutes=10)
"""Time over which a rate is told: runs that train long and short take turns in less."""


class State(StrEnum):
    """Where a study stands."""

    EMPTY = "nothing has trained"
    STARTING = "starting"
    TRAINING = "training"
    CONCLUDING = "trained; report and mirror are being made"
    FINISHED = "finished"
    UNFINISHED = "not finished, and nobody is at work"
    LOST = "not finished, and its driver ended without a word"
    STORED = "stored; its directory does not say how much was declared"


RUNNING = (State.STARTING, State.TRAINING, State.CONCLUDING)
"""States in which a driver is at work."""


@dataclass(frozen=True)
class Status:
    """A study at one moment.

    Attributes:
        study, uri: its name and directory.
        at: the moment.
        state: where it stands.
        holder: driver that holds the lease, in words; '' where none does.
        progress: as its driver wrote it last; None where none has.
        done: units of the progress that are done, by rows where these say more.
        outcomes: outcome -> number of rows, of all that is stored there.
        rate: runs a second over the last WINDOW, or since the start; NaN where there is none.
        seconds_left: expected, until training ends; None where nothing trains, or it cannot be told.
        begun: cohorts that were cut off, or keep their state while they train.
        error: the last one, and when it was; '' where there is none.
        report: path of the report; '' where there is none.
    """

    study: str
    uri: str
    at: datetime
    state: State
    holder: str
    progress: Progress | None
    done: int
    rate: float
    seconds_left: float | None
    begun: int
    error: str
    report: str
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def running(self) -> bool:
        """Whether a driver is at work."""
        return self.state in RUNNING


class Watched:
    """A study's directory at which one looks again and again: of its rows each look reads the files that are new.

    Args:
        uri: the directory.

    Raises:
        SchemaError: there is no study.
    """

    def __init__(self, uri: str) -> None:
        self.uri, self._manifest = uri, read_manifest(uri)
        self._filesystem, self._path = open_directory(uri)
        self._rows = StoredRows(uri, self._manifest)

    def look(self, at: datetime | None = None) -> Status:
        """Its state.

        Args:
            at: the time that is called now; None for the clock's.

        Raises:
            SchemaError: a file is damaged.
            OSError: the storage does not answer.
        """
        holder, number = lease.held(self._filesystem, self._path)
        progress = result_progress.read(self.uri)  # before the rows, which then say no less
        rows, now = self._rows.now(), at or datetime.now(UTC)
        done = 0 if progress is None else progress.done_with(_finished(rows, progress.started_at))
        state = _state(rows, holder, number, progress, done)
        rate = _rate(rows, progress, now) if state is State.TRAINING else float("nan")
        states = visible_files(self._filesystem, f"{self._path}/states")
        page = f"{self._path}/report/report.html"
        there = self._filesystem.get_file_info(page).type == pafs.FileType.File
        return Status(
            study=self._manifest.study,
            uri=self.uri,
            at=now,
            state=state,
            holder=holder.partition(",")[0],
            progress=progress,
            done=done,
            rate=rate,
            seconds_left=_left(progress, done, rate, now) if state is State.TRAINING else None,
            begun=sum(info.base_name.startswith(BEGUN) for info in states),
            error=_error(rows, progress),
            report=below(self.uri, "report/report.html") if there else "",
            outcomes=Counter(rows["outcome"].to_pylist()),
        )


def read(uri: str, at: datetime | None = None) -> Status:
    """The state of a study's directory at one look; raises as `Watched` does."""
    return Watched(uri).look(at)


def _state(rows: pa.Table, holder: str, number: int, progress: Progress | None, done: int) -> State:
    """Where a study stands, whose lease has a holder ('' for none) and this number."""
    if holder and (progress is None or progress.lease != number):  # a progress is that of an earlier call
        return State.STARTING
    if progress is None:
        return State.STORED if rows.num_rows else State.EMPTY
    if holder:
        return State.CONCLUDING if progress.ended else State.TRAINING
    if progress.complete or done >= progress.total:
        return State.FINISHED
    return State.UNFINISHED if progress.ended else State.LOST


def _finished(rows: pa.Table, since: datetime) -> int:
    """Number of runs that ended from a time on, as results."""
    ended = pc.is_in(rows["outcome"], value_set=pa.array([outcome.value for outcome in FINISHED]))
    after = pc.greater_equal(rows["finished_at"], pa.scalar(since, rows["finished_at"].type))
    return pc.sum(pc.and_(ended, after)).as_py() or 0


def _rate(rows: pa.Table, progress: Progress | None, now: datetime) -> float:
    if progress is None:
        return float("nan")
    since = max(now - WINDOW, progress.started_at)
    return _finished(rows, since) / max((now - since).total_seconds(), 1.0)


def _left(progress: Progress | None, done: int, rate: float, now: datetime) -> float | None:
    """As the driver expects it, less the time since; else by the rate."""
    if progress is None:
        return None
    if progress.seconds_left is not None:
        return max(0.0, progress.seconds_left - (now - progress.written_at).total_seconds())
    return (progress.total - done) / rate if rate > 0 and progress.unit == "runs" else None


def _error(rows: pa.Table, progress: Progress | None) -> str:
    """Of the newest FAILED row, unless the driver has lost a cohort since, whose rows it writes when training ends."""
    failed = rows.filter(pc.equal(rows["outcome"], Outcome.FAILED.value)).sort_by("finished_at")
    if progress is not None and progress.error and not progress.ended:
        return progress.error
    if not failed.num_rows:
        return ""
    last = failed.slice(failed.num_rows - 1).to_pylist()[0]
    return f"{last['error']} ({last['algorithm']}, run {last['run_key']}, {last['finished_at']:%Y-%m-%d %H:%M:%S} UTC)"
