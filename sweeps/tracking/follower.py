"""Resolves the tracking URI, checks that MLflow answers, and runs the process that mirrors rows while a study trains.

This is the driver's side, and it never imports mlflow (seconds, and 200 MB): the work is done by
`python -m sweeps.tracking.mirror --follow`, a separate process of low priority, so that a slow, hanging or dead
tracking server costs the training nothing.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from sweeps.console.masking import masked, without_user

if TYPE_CHECKING:
    from sweeps.tracking.mirror_record import Known

AUTO = "auto"
"""What is mirrored where nothing else is asked: of a study of many runs a part (`selection`)."""

DEFAULT_TRACKING_URI = "sqlite:///mlflow.db"
SQLITE = "sqlite:///"
DATABASES = ("postgresql", "mysql", "mssql")
NOT_MIRRORED = 3
"""Exit code of the mirror if rows remain that are not in MLflow."""


def resolve_tracking_uri(uri: str | None = None) -> str:
    """The tracking URI to use: the one given, else MLFLOW_TRACKING_URI, else `sqlite:///mlflow.db`.

    A relative SQLite path becomes absolute (from the working directory), so that it means the same in
    every process. Raises ValueError when the mirror cannot use such a URI; its message has no password.
    """
    if uri is None:
        uri = os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_TRACKING_URI)
    if not uri.strip():
        raise ValueError(
            "tracking URI must not be empty, got ''; give one with --tracking-uri, or unset MLFLOW_TRACKING_URI"
        )
    if not uri.isprintable():
        raise ValueError(
            f"tracking URI must have no control characters, got {masked(uri)!r}; choose another --tracking-uri"
        )
    scheme, separator, rest = uri.partition("://")
    if scheme in ("http", "https") and rest.strip("/"):
        return _web_address(uri.rstrip("/"))
    if scheme.split("+")[0] in DATABASES and separator:
        return uri
    if scheme == "sqlite" and rest.startswith("/") and rest[1:].strip():
        path, question_mark, query = rest[1:].partition("?")
        return f"{SQLITE}{_without_marks(Path(path).expanduser().absolute())}{question_mark}{query}"
    raise ValueError(
        f"tracking URI must be {DEFAULT_TRACKING_URI} (or another SQLite file), http(s)://SERVER, "
        f"or the URI of a PostgreSQL, MySQL or MS SQL database, got {masked(uri)!r}; "
        "give such a one with --tracking-uri or MLFLOW_TRACKING_URI"
    )


def _web_address(uri: str) -> str:
    try:
        host = urlsplit(uri).port is None or urlsplit(uri).hostname
    except ValueError:
        host = None
    if not host:
        raise ValueError(f"tracking URI must be http(s)://HOST:PORT, got {masked(uri)!r}; quote what is special in a "
                         "password, such as %2F for /, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")  # fmt: skip
    return uri


def _without_marks(path: Path) -> Path:
    """Returns the path. Raises ValueError if a character has a meaning in a URI, in which versions of SQLAlchemy differ."""
    marks = [mark for mark in "%?#" if mark in str(path)]
    if marks:
        raise ValueError(f"the path of MLflow's database must have none of % ? #, which mean something in a URI, got {str(path)!r}; "
                         f"choose another one with --tracking-uri {SQLITE}/PATH, or another working directory")  # fmt: skip
    return path


def sqlite_path(uri: str) -> Path | None:
    """Database file of a resolved tracking URI; None for a server."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]) if uri.startswith(SQLITE) else None


def check_tracking(uri: str | None = None, timeout_s: float = 4.0) -> str | None:
    """One line of warning if MLflow cannot be reached now, else None.

    Takes `timeout_s` seconds at most. A study goes on either way, and its rows can be mirrored later.
    Raises ValueError when the URI is of a kind that the mirror cannot use.
    """
    uri = resolve_tracking_uri(uri)
    path = sqlite_path(uri)
    if path is not None:
        existing = next(p for p in (path, *path.parents) if p.exists())
        reason = "" if os.access(existing, os.W_OK) else f"{existing} is not writable"
    else:
        reason = _unreachable(uri, timeout_s) if uri.startswith("http") else ""
    warning = f"MLflow at {uri} cannot be used now ({reason}); the study goes on without it"
    return masked(warning) if reason else None


def _unreachable(uri: str, timeout_s: float) -> str:
    try:
        with urllib.request.urlopen(f"{without_user(uri)}/health", timeout=timeout_s):
            return ""
    except urllib.error.HTTPError:
        return ""  # a server that wants a password, or has no /health, is there
    except urllib.error.URLError as error:
        # `[Errno 111] Connection refused` reads better without its number
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, ValueError) as error:
        return "it does not answer" if isinstance(error, socket.timeout) else str(error)


def mirror_command(directory: str, uri: str, policy: str = AUTO) -> str:
    """Command with which a user mirrors a study's rows later."""
    arguments = [directory] if is_default(uri) else [directory, "--tracking-uri", masked(uri)]
    arguments += [] if policy == AUTO else ["--mirror", policy]
    return f"python -m sweeps.tracking.mirror {shlex.join(arguments)}"


def is_default(uri: str) -> bool:
    """True if a resolved tracking URI is the default one."""
    try:
        return uri == resolve_tracking_uri(DEFAULT_TRACKING_URI)
    except ValueError:  # the working directory cannot be part of a URI
        return False


@dataclass(frozen=True)
class MirrorResult:
    """End of mirroring: whether every row is in MLflow, and a line that says so or gives the remedy."""

    complete: bool
    message: str


def mirrored_message(written: int, known: Known, study: str, uri: str) -> str:
    """Message for a study that is in MLflow."""
    of = f"{known.mirrored:,} of {known.runs:,}" if known.words else f"{known.runs:,}"
    what = f": {known.words}" if known.words else ""
    return f"mirrored: {written:,} written, {of} runs of {study} in MLflow at {masked(uri)}{what}"


class Follower:
    """A running `python -m sweeps.tracking.mirror --follow`. It stops by itself when this process dies."""

    def __init__(self, command: str, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._command = command
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        return self._process.pid

    def leave(self) -> None:
        """Let it mirror what is stored by now, and end by itself."""
        assert self._process.stdin
        self._process.stdin.close()

    def finish(self, timeout_s: float = 120.0) -> MirrorResult:
        """Asks the mirror to write all that is stored, the report included, and waits for it.

        After `timeout_s` it is killed, which loses nothing: the next mirroring completes what it began.
        Call it once.
        """
        try:
            self._process.communicate(timeout=timeout_s)  # closes its standard input: the request to finish
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return MirrorResult(False, f"mirroring to MLflow was not done in {timeout_s:g} s; "
                                       f"continue it with: {self._command}")  # fmt: skip
        with self._output:
            self._output.seek(0)
            lines = self._output.read().decode(errors="replace").strip().splitlines()
        message = lines[-1] if lines else "it said nothing"
        if self._process.returncode not in (0, NOT_MIRRORED):
            message = f"mirroring to MLflow failed ({message}); mirror the rows with: {self._command}"
        return MirrorResult(self._process.returncode == 0, message)


def start_follower(
    directory: str, tracking_uri: str | None = None, policy: str = AUTO, declared: int = 0
) -> Follower:
    """Starts a process that mirrors a study's rows as they are stored; returns at once.

    Args:
        directory: the study's directory or URI, where the manifest is already written.
        tracking_uri: as for `resolve_tracking_uri`, which see for the ValueError.
        policy: what is mirrored, one of `selection.POLICIES`.
        declared: number of runs that the study will have; 0 where it is not known.
    """
    uri = resolve_tracking_uri(tracking_uri)
    command = [sys.executable, "-m", "sweeps.tracking.mirror", directory, "--follow"]
    command += ["--mirror", policy, "--declared", str(declared)]
    # The driver may run from a checkout that is not installed: the child must find it too.
    path = os.pathsep.join(p for p in (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")) if p)
    # A file and not a pipe takes the output: nobody reads while the study trains, and a full pipe blocks.
    output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `finish`
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end is the request to finish, also when this process is killed
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": path, "MLFLOW_TRACKING_URI": uri},  # every user sees command lines
        start_new_session=True,  # Ctrl-C stops the study; the follower then mirrors what is left
    )
    return Follower(mirror_command(directory, uri, policy), process, output)
