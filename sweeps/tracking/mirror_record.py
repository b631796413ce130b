"""Local records of a study's runs that are in MLflow, kept by the mirror so that MLflow need not be asked.

That all is there is recorded for a local SQLite file alone, which is as the mirror left it as long as its size and time are the
same: the study's command then does not even load MLflow. A list of the runs is recorded for servers, too: a tag of the experiment
says whether it is true, and a mirror takes the tag away before it writes. Runs that somebody deleted in MLflow since are not
noticed; a mirror without --follow asks for all of them, and writes those again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import result_digests
from result_files import open_directory
from sweeps.console.masking import masked
from sweeps.tracking.follower import sqlite_path

MIRRORED = ("study.json", "runs", "curves", "pictures", "models", "report")


def inputs(directory: str) -> str:
    """Digest of all that goes to MLflow, to be taken before it is read; empty if it is not known. Raises OSError."""
    made_by = result_digests.code("sweeps")
    return made_by and result_digests.digest(
        result_digests.state(*open_directory(directory), *MIRRORED), made_by
    )


@dataclass(frozen=True)
class Known:
    """What is in MLflow of a study.

    Attributes:
        inputs: digest of what it was made from; empty if it is not known.
        policy: what was asked to be mirrored.
        runs: number of stored runs.
        mirrored: number of them in MLflow.
        words: what is there, where that is not all of them.
    """

    inputs: str
    policy: str
    runs: int
    mirrored: int
    words: str

    def holds(self, inputs: str, policy: str) -> bool:
        """Whether all that would be mirrored of these inputs is there."""
        return self.inputs == inputs != "" and self.policy == policy


@dataclass(frozen=True)
class Kept:
    """List of a study's runs in MLflow.

    Attributes:
        mark: value of a tag of the experiment, as long as the list is true.
        experiment: identity of the experiment.
        known: what all of it amounts to.
        report: run id and digest of the report, if there is one.
        runs, means: key -> fields of `writing.presence.Present`.
    """

    mark: str
    experiment: str
    known: Known
    report: tuple[str, str] | None
    runs: Mapping[str, list[Any]]
    means: Mapping[str, list[Any]]


def keep(directory: str, uri: str, known: Known) -> None:
    """Records what is in MLflow, where MLflow is a local file."""
    if destination := _destination(uri):
        result_digests.record(
            *open_directory(directory), _name(uri), {"destination": destination, **asdict(known)}
        )


def recall(directory: str, uri: str, policy: str) -> Known | None:
    """What is in MLflow, if all that is asked for and the report are known to be there. Raises OSError."""
    record: dict[str, Any] = result_digests.recall(*open_directory(directory), _name(uri))
    if not record or record.pop("destination", None) != _destination(uri) or not _destination(uri):
        return None
    try:
        known = Known(**record)
    except TypeError:  # of another version
        return None
    return known if known.holds(inputs(directory), policy) else None


def keep_list(directory: str, uri: str, kept: Kept) -> None:
    """Records a list."""
    result_digests.record(*open_directory(directory), _list(uri), asdict(kept))


def recall_list(directory: str, uri: str) -> Kept | None:
    """The recorded list, which is true if the experiment's tag says so."""
    record: dict[str, Any] = result_digests.recall(*open_directory(directory), _list(uri))
    try:
        report = tuple(record["report"]) if record["report"] else None
        return Kept(**{**record, "known": Known(**record["known"]), "report": report})
    except (TypeError, KeyError):  # none, or of another version
        return None


def _list(uri: str) -> str:
    return f"mirrored-{result_digests.digest(masked(uri))[:16]}"


def _name(uri: str) -> str:
    return f"mirror-{result_digests.digest(sqlite_path(uri))[:16]}"


def _destination(uri: str) -> str:
    """Size and time of the database file; empty if there is none."""
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return ""
    there = path.stat()
    return f"{there.st_ino} {there.st_size} {there.st_mtime_ns}"
