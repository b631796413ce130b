"""Open the MLflow UI on a study, with the columns and the filter that compare its algorithms.

    python -m sweeps.tracking.ui                                    serves sqlite:///mlflow.db on 127.0.0.1:5000
    python -m sweeps.tracking.ui --tracking-uri http://server:5000  only opens the page there

MLflow's table shows no parameter or metric until one picks them. The mirror prepares views (`views.py`); this prints a link to
each, and opens the first.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import tyro

import command_output
from sweeps.console import command_line
from sweeps.console.errors import check_given
from sweeps.console.masking import masked, without_user
from sweeps.tracking.follower import mirror_command, resolve_tracking_uri, sqlite_path
from sweeps.tracking.shown.views import PREPARED, link

HOST = "127.0.0.1"
START_SECONDS = 600.0  # against waiting for ever: a busy machine takes minutes
SERVER_ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else eight idle processes and an open job API
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class UIError(RuntimeError):
    """The UI cannot be opened; the message gives the reason and the remedy."""


def study_experiment(uri: str, study: str) -> str:
    """Id of the study's MLflow experiment. Raises UIError if MLflow or the study is not there."""
    remedy = f"mirror it first: {mirror_command(f'results/{study}', uri)}"
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        raise UIError(f"{masked(uri)} must be a mirrored store, but there is no such file; {remedy}")
    from sweeps.tracking.mlflow_store import TrackingError, find_experiment

    try:
        experiment_id = find_experiment(uri, study)
    except TrackingError as error:
        raise UIError(
            f"MLflow at {masked(uri)} cannot be read ({error}); start it, or give another --tracking-uri"
        ) from error
    if experiment_id is None:
        raise UIError(f"study {study!r} must be in MLflow at {masked(uri)}, but is not; {remedy}")
    return experiment_id


@contextmanager
def serve(uri: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Runs an MLflow server for a database on the loopback interface, until the block is left.

    Raises UIError when the port is taken or the server does not come up.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UIError(f"port {port} of {HOST} must be free, but it cannot be used ({error.strerror}); "
                          f"choose another one: --port {port % 65535 + 1}") from error  # fmt: skip
    path = sqlite_path(uri)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--workers",
        "1",
        "--host",
        HOST,
        "--port",
        str(port),
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                **SERVER_ENVIRONMENT,
                "MLFLOW_BACKEND_STORE_URI": uri,
            },  # every user sees command lines
            cwd=path.parent if path else None,  # where it makes its own folders, if any
            start_new_session=True,  # its workers end with its process group
        )
        try:
            if not _healthy(f"http://{HOST}:{port}", process):
                log.seek(0)
                lines = log.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
                ended = process.poll() is not None
                reason = masked(lines[-1].strip()) if ended else f"no answer in {START_SECONDS:g} s"
                raise UIError(f"the MLflow server of {masked(uri)} did not start ({reason}); "
                              f"see what it says, with MLFLOW_BACKEND_STORE_URI set to that: {' '.join(command)}")  # fmt: skip
            yield process
        finally:
            _end(process)


def _healthy(server: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{server}/health", timeout=10.0) as answer:
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.2)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10.0)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    process.wait()


@dataclass(frozen=True)
class Options:
    """Open the MLflow UI on a study, showing the comparison of its algorithms."""

    tracking_uri: str | None = None
    """MLflow's tracking URI; default MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."""
    study: str = "toy_robustness"
    """The study to show."""
    port: int = 5000
    """Port of the UI on 127.0.0.1, when this has to serve it."""
    open: Annotated[bool, tyro.conf.arg(help="Open a browser (with --no-open, only print the link).")] = True


def _show(server: str, experiment_id: str, options: Options) -> None:
    """Prints the links, the one of the view that is opened first, and opens it."""
    first, *others = PREPARED
    opened = link(server, experiment_id, first)
    print(opened, flush=True)
    for view in others:
        print(f"  {view.name}: {link(server, experiment_id, view)}", flush=True)
    if options.open:
        webbrowser.open(opened)


def main(options: Options) -> int:
    """Runs the command; returns its exit code."""
    try:
        check_given(options)
        uri = resolve_tracking_uri(options.tracking_uri)
        experiment_id = study_experiment(uri, options.study)
        if uri.startswith("http"):
            _show(without_user(uri), experiment_id, options)
            return 0
        signal.signal(
            signal.SIGTERM, signal.default_int_handler
        )  # ended from outside, it ends its server too
        with serve(uri, options.port) as server:
            _show(f"http://{HOST}:{options.port}", experiment_id, options)
            print("Ctrl-C stops the server.", flush=True)
            return server.wait()
    except KeyboardInterrupt:
        return 0
    except (UIError, ValueError) as error:
        print(f"sweeps.tracking.ui: {masked(str(error))}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.tracking.ui", __doc__ or "")))
