"""Lease on a study's store: one driver works on it at a time, and a driver that lost it writes nothing any more.

The folder `lease` holds one file per holder, numbered: NUMBER.json with its owner and expiry, and NUMBER.stop
once its trials are to save their state and end. The highest number is the lease; a higher one fences
off every later write by the holder of a lower one, or by its trials (the token of Kleppmann 2016, "How to
do distributed locking").

On a local or shared disk a number is taken by creating its file exclusively. Object stores cannot do that: there a
driver writes its claim under a name of its own and then lists the folder, and withdraws if it sees
another one. Where a listing shows every earlier write, as S3, GCS and Azure promise, two cannot both stay.
The check before a write and the write are two steps: a process that is stopped for a whole lease just between
them still writes. Its rows have the same keys, and one row counts for each (`result_reading.one_row_per_run`).
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import pyarrow.fs as pafs

import result_files
from sweeps.store.process import Owner, this_process

SECONDS = 60.0
"""Seconds from the last renewal to the end of a lease; drivers' clocks must agree better than a quarter of it."""

RENEWALS = 4
"""Number of renewals before a lease would end."""

ATTEMPTS = 5
FOLDER = "lease"


class LeaseHeld(ValueError):
    """Another driver works on the study; the message names it, the end of its lease, and the remedy."""


class Fenced(RuntimeError):
    """This process lost the lease and must not write any more."""


_TAKEN: set[Lease] = set()
"""Leases that this process took and has not given back."""


class Token:
    """Right of a process to write: checks the file of the lease under which it works.

    Args:
        filesystem: the store's.
        path: the store's.
        name: the lease, NUMBER or NUMBER-NONCE.
    """

    def __init__(self, filesystem: pafs.FileSystem, path: str, name: str) -> None:
        self.filesystem, self.path, self.name = filesystem, path, name
        self.number = _number(name)

    def check(self) -> bool:
        """True if trials are to save their state and end.

        Raises:
            Fenced: another driver has taken the lease.
        """
        names = _names(self.filesystem, self.path)
        newest = max(names, key=_number, default="")
        if names and _number(newest) > self.number:
            raise Fenced(f"lease {self.number} on {self.path} was lost: another driver has taken it; nothing more is "
                         "written here, what is stored is whole")  # fmt: skip
        return f"{self.name}.stop" in names

    def _file(self, ending: str) -> str:
        return f"{self.path}/{FOLDER}/{self.name}.{ending}"


class Lease(Token):
    """A lease that this process took (`take`), renewed until it is released.

    Attributes:
        stopping: set once trials are told to end, or the lease is lost.
    """

    def __init__(self, filesystem: pafs.FileSystem, path: str, name: str, seconds: float) -> None:
        super().__init__(filesystem, path, name)
        self.seconds, self.owner = seconds, this_process()
        self.stopping = threading.Event()
        self._claimed = False
        self._released = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Lease:
        try:
            self._renewal.start()
        except BaseException:  # Ctrl-C in a process that lives on, and would hold it
            self.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give it back, where it was taken and is not another's by now."""
        self._released.set()
        if self._renewal.ident is not None:  # it was started
            self._renewal.join()
        if self._claimed:
            with contextlib.suppress(Fenced, OSError):  # it is another's, or ends by itself
                self.check()
                record = _record(self.filesystem, self._file("json"))
                if record and record["owner"] == self.owner:
                    result_files.write(self.filesystem, self._file("json"), self._content(released=True))
        _TAKEN.discard(self)

    def stop(self) -> None:
        """Tells the trials to save their state and end. Raises OSError."""
        self.stopping.set()
        result_files.write(self.filesystem, self._file("stop"), b"\n")

    def claim(self) -> bool:
        """Takes the lease; False if another driver was faster."""
        _TAKEN.add(self)
        self._claimed = True  # before it is written: an interrupt may come at once
        if not isinstance(self.filesystem, pafs.LocalFileSystem):
            result_files.write(self.filesystem, self._file("json"), self._content())
        elif not result_files.create(self._file("json"), self._content()):
            self._claimed = False
            return False
        others = {name.rpartition(".")[0] for name in _names(self.filesystem, self.path)} - {self.name}
        if any(_number(name) >= self.number for name in others):
            self.filesystem.delete_file(self._file("json"))
            self._claimed = False
            return False
        return True

    def sweep(self) -> None:
        """Removes the files of earlier leases."""
        for name in _names(self.filesystem, self.path):
            if _number(name) < self.number:
                with contextlib.suppress(FileNotFoundError):
                    self.filesystem.delete_file(f"{self.path}/{FOLDER}/{name}")

    def _renew(self) -> None:
        while not self._released.wait(self.seconds / RENEWALS):
            try:
                self.check()
                result_files.write(self.filesystem, self._file("json"), self._content())
            except Fenced:
                self.stopping.set()
                return
            except OSError:
                continue  # a full disk, a lost connection: the next time, and nobody fences who is not replaced

    def _content(self, released: bool = False) -> bytes:
        expires_at = datetime.now(UTC) + timedelta(seconds=self.seconds)
        record = {"owner": asdict(self.owner), "expires_at": expires_at.isoformat(), "released": released}
        return json.dumps(record).encode()


def held(filesystem: pafs.FileSystem, path: str) -> tuple[str, int]:
    """Holder of the lease on the store at `path` and its end, in words, '' if it is free; and the last lease's number."""
    names = _names(filesystem, path)
    highest = max(map(_number, names), default=0)
    for name in names:
        if _number(name) == highest and name.endswith(".json"):
            record = _record(filesystem, f"{path}/{FOLDER}/{name}")
            if record and not record["released"] and not record["owner"].dead:
                left = (record["expires_at"] - datetime.now(UTC)).total_seconds()
                if left > 0:
                    words = (
                        f"{record['owner']}, whose lease lasts until {record['expires_at']:%H:%M:%S} UTC "
                        f"({left:.0f} s from now) and is renewed while that works"
                    )
                    return words, highest
    return "", highest


def refuse(filesystem: pafs.FileSystem, path: str) -> int:
    """Number of the last lease on the store at `path`. Raises LeaseHeld if it is held."""
    holder, number = held(filesystem, path)
    if holder:
        raise LeaseHeld(f"{path} must be free, but is held by {holder}; "
                        "wait for it, stop it, or choose another --results")  # fmt: skip
    return number


def release_all(path: str) -> None:
    """Gives back what this process still holds of the store at `path`, after an interrupt that may have come between any two steps."""
    for lease in [lease for lease in _TAKEN if lease.path == path]:
        lease.release()


def take(filesystem: pafs.FileSystem, path: str) -> Lease:
    """Takes the lease on the store at `path`, which must exist; use it as a context manager.

    Raises:
        LeaseHeld: another driver holds it.
    """
    result_files.own_folder(filesystem, path, FOLDER)
    local = isinstance(filesystem, pafs.LocalFileSystem)
    for _ in range(ATTEMPTS):
        # From the listing that showed it free: a later one may show a lease that was taken in between.
        number = refuse(filesystem, path) + 1
        name = f"{number:08d}" if local else f"{number:08d}-{uuid.uuid4().hex[:8]}"
        lease = Lease(filesystem, path, name, SECONDS)
        try:
            if lease.claim():
                lease.sweep()
                return lease
        except BaseException:
            lease.release()
            raise
        time.sleep(random.uniform(0.1, 0.5))
    refuse(filesystem, path)
    raise LeaseHeld(f"{path} must be free, but others try to take it at the same time; try again")


def _names(filesystem: pafs.FileSystem, path: str) -> list[str]:
    found = result_files.visible_files(filesystem, f"{path}/{FOLDER}")
    return [info.base_name for info in found if info.base_name.endswith((".json", ".stop"))]


def _number(name: str) -> int:
    digits = name[:8]
    return int(digits) if digits.isdecimal() else 0


def _record(filesystem: pafs.FileSystem, file: str) -> dict[str, Any] | None:
    """Content of a lease's file, with an unknown owner if the file is damaged; None if it is gone."""
    info = filesystem.get_file_info(file)
    if info.type != pafs.FileType.File:
        return None
    try:
        with filesystem.open_input_stream(file) as stream:
            record = json.loads(stream.read())
        expires_at = datetime.fromisoformat(record["expires_at"]).astimezone(UTC)
        return {
            "owner": Owner(**record["owner"]),
            "expires_at": expires_at,
            "released": bool(record["released"]),
        }
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # Its end is not readable: taken as that of a lease renewed when the file was last written.
        unknown = Owner("an unknown machine", 0, 0, 0, "")
        return {"owner": unknown, "expires_at": info.mtime + timedelta(seconds=SECONDS), "released": False}
