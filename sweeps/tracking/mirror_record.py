"""Local record of a study's runs that are in MLflow, kept by the mirror so that MLflow need not be asked.

It is kept for a local SQLite file alone, which is as the mirror left it as long as its size and time are the same. A server
is asked each time: it may have lost its data since, or a run may have been deleted there.
"""

from __future__ import annotations

from typing import Any

import result_digests
from result_files import open_directory
from sweeps.tracking.follower import sqlite_path

MIRRORED = ("study.json", "runs", "curves", "pictures", "models", "report")


def inputs(directory: str) -> str:
    """Digest of all that goes to MLflow, to be taken before it is read; empty if it is not known. Raises OSError."""
    made_by = result_digests.code("sweeps")
    return made_by and result_digests.digest(
        result_digests.state(*open_directory(directory), *MIRRORED), made_by
    )


def keep(directory: str, uri: str, inputs: str, runs: int) -> None:
    """Records that so many runs, and the report, are in MLflow, made from these inputs."""
    if destination := _destination(uri):
        content = {"inputs": inputs, "destination": destination, "runs": runs}
        result_digests.record(*open_directory(directory), _name(uri), content)


def recall(directory: str, uri: str) -> int | None:
    """Number of runs in MLflow, if all of them and the report are known to be there. Raises OSError."""
    known: dict[str, Any] = result_digests.recall(*open_directory(directory), _name(uri))
    if not known.get("inputs") or known.get("destination") != _destination(uri):
        return None
    return int(known["runs"]) if known["inputs"] == inputs(directory) else None


def _name(uri: str) -> str:
    return f"mirror-{result_digests.digest(sqlite_path(uri))[:16]}"


def _destination(uri: str) -> str:
    """Size and time of the database file; empty if there is none."""
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return ""
    there = path.stat()
    return f"{there.st_ino} {there.st_size} {there.st_mtime_ns}"
