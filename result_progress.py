"""How far a study is that trains: one small file in its directory, which its driver writes and anyone may read.

Shared by `sweeps` and `analysis`, as the result schema is. The rows say what is done; this says what was to be done, and what
is being trained. It is no truth: without it nothing is lost, and the next call of the study writes it anew.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.fs as pafs

from result_files import open_directory, write

FILE = "progress.json"

SECONDS = 15.0
"""Seconds between two times that a driver writes it."""

SILENT = 4 * SECONDS
"""Age in seconds from which on its driver is taken to have gone."""


@dataclass(frozen=True)
class Progress:
    """A study in training.

    Attributes:
        total, already, done: units of it: in all, before this call trained, and now.
        unit: word for them, `runs` unless runs are trained in stages.
        may_end: whether `total` is an upper bound.
        budgets: declared iterations of the runs that train or have trained, ascending.
        diverged: runs that DIVERGED in this call.
        running: runs in training.
        slots, slots_in_use: cohorts that can train at once, and that do.
        device: torch device of a slot.
        seconds_left: until training ends, as the driver expects it; None where it cannot tell yet.
        error: reason of the last cohort that was lost for good; '' where none was.
        lease: number of the lease under which its driver works; 0 where it has none.
        started_at, written_at: times of the first cohort, and of this record.
        ended: whether training is over, with all that was to be trained or without.
    """

    total: int
    already: int
    done: int
    unit: str
    may_end: bool
    budgets: tuple[int, ...]
    diverged: int
    running: int
    slots: int
    slots_in_use: int
    device: str
    seconds_left: float | None
    error: str
    lease: int
    started_at: datetime
    written_at: datetime
    ended: bool = False

    @property
    def complete(self) -> bool:
        """Whether all was trained; an upper bound need not be reached."""
        return self.done >= self.total or (self.ended and self.may_end and not self.error)

    def done_with(self, ended: int) -> int:
        """Units that are done where so many runs have ended since the start by their rows; stages are not told by rows."""
        return max(self.done, min(self.total, self.already + ended)) if self.unit == "runs" else self.done

    def fresh(self, now: datetime) -> bool:
        """Whether its driver is taken to train at a time."""
        return not self.ended and (now - self.written_at).total_seconds() < SILENT

    def to_json(self) -> str:
        fields = dataclasses.asdict(self)
        times = {name: fields[name].isoformat() for name in ("started_at", "written_at")}
        return json.dumps({**fields, **times}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Raises ValueError where a text is none, as of another version."""
        try:
            fields = dict(json.loads(text))
            times = {
                name: datetime.fromisoformat(fields[name]).astimezone(UTC)
                for name in ("started_at", "written_at")
            }
            return cls(**{**fields, **times, "budgets": tuple(fields["budgets"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"{FILE} must be a study's progress, but is another ({error})") from error


def read(uri: str) -> Progress | None:
    """The progress of a study's directory; None where no driver has written one, or another version has."""
    filesystem, path = open_directory(uri)
    try:
        with filesystem.open_input_stream(f"{path}/{FILE}") as stream:
            return Progress.from_json(stream.read().decode())
    except (FileNotFoundError, ValueError):
        return None


def keep(filesystem: pafs.FileSystem, path: str, progress: Progress) -> None:
    """Writes it into the directory at `path`, in one atomic step. Raises OSError."""
    write(filesystem, f"{path}/{FILE}", progress.to_json().encode())
