"""Digests of the rows from which a report or a mirror was made: they tell whether it is still current.

Shared by `sweeps` and `analysis`, as the result schema is. A folder `digests` in a study's directory holds one small
record for each thing that was made of the rows: the report, a mirror, the conclusion that nothing is left to train.
A record that is not there, cannot be read, or does not agree costs the work once more and nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from result_files import ForeignFolderError, open_directory, own_folder, write

FOLDER = "digests"
ROWS = ("study.json", "runs", "curves", "samples", "pictures", "prices.json")
"""Everything that a report is made of."""

REPORT = "report"
PROJECT = "generative-robustness"


def digest(*parts: object) -> str:
    """64 hexadecimal digits of SHA-256 over the texts of the parts."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def state(filesystem: pafs.FileSystem, path: str, *names: str) -> str:
    """Digest of the names, sizes and times of some files of a study, and of the files in some of its folders.

    Raises:
        OSError: they cannot be listed.
    """
    return digest(*sorted(files(filesystem, path, *names).items()))


def files(filesystem: pafs.FileSystem, path: str, *names: str) -> dict[str, tuple[int, int]]:
    """Path -> size and time of change, in nanoseconds, of what `state` is the digest of."""
    there: dict[str, tuple[int, int]] = {}
    for info in filesystem.get_file_info([f"{path}/{name}" for name in names]):
        own = [info]
        if info.type == pafs.FileType.Directory:
            own = filesystem.get_file_info(pafs.FileSelector(info.path, recursive=True))
        there |= {i.path: (i.size, i.mtime_ns) for i in own if i.type == pafs.FileType.File}
    return there


@functools.cache
def code(*packages: str) -> str:
    """Digest of the sources of some of this project's packages and of all that the project builds upon.

    Empty where the project is not installed, so that versions are not known.
    """
    here = Path(__file__).parent
    sources = sorted(here.glob("result_*.py"))
    sources += sorted(source for package in packages for source in (here / package).rglob("*.py"))
    try:
        names = [line.split(";")[0] for line in requires(PROJECT) or () if "extra ==" not in line]
        versions = [version(name[: _name_length(name)]) for name in names]
    except PackageNotFoundError:
        return ""
    return digest(platform.python_version(), versions, *(source.read_bytes() for source in sources))


def _name_length(requirement: str) -> int:
    """Characters of the package's name, before extras and versions."""
    return next((n for n, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement))


def recall(filesystem: pafs.FileSystem, path: str, name: str) -> dict[str, Any]:
    """A record; empty where there is none, or none that can be read."""
    with (
        contextlib.suppress(OSError, ValueError),
        filesystem.open_input_stream(f"{path}/{FOLDER}/{name}.json") as stream,
    ):
        found = json.loads(stream.read())
        return found if isinstance(found, dict) else {}
    return {}


def record(filesystem: pafs.FileSystem, path: str, name: str, content: Mapping[str, Any]) -> None:
    """Keep a record; where nothing can be written, there is none."""
    with contextlib.suppress(OSError, ForeignFolderError):
        folder = own_folder(filesystem, path, FOLDER)
        write(filesystem, f"{folder}/{name}.json", json.dumps(content).encode())


def report_inputs(uri: str, iterations: int | None, sampler: str | None) -> str:
    """Digest of all that a study's report depends on: the rows, what is asked for of them, and this version.

    Empty where that cannot be told. To be taken before the rows are read.
    """
    made_by = code("analysis")
    with contextlib.suppress(OSError, ValueError):
        return made_by and digest(state(*open_directory(uri), *ROWS), iterations, sampler, made_by)
    return ""


def record_report(uri: str, inputs: str) -> None:
    """Keep what the report was made of that was just written."""
    with contextlib.suppress(OSError):
        where = open_directory(uri)
        record(*where, REPORT, {"inputs": inputs, "files": state(*where, REPORT)})


def report_is_current(uri: str, iterations: int | None, sampler: str | None) -> bool:
    """Whether the report is there, as it was written, and would be made again just so. Raises OSError."""
    where = open_directory(uri)
    known, inputs = recall(*where, REPORT), report_inputs(uri, iterations, sampler)
    return known == {"inputs": inputs, "files": state(*where, REPORT)} and inputs != ""
