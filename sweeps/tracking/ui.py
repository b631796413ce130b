"""Open the MLflow UI on a study, with the columns and the filter that compare its algorithms.

    python -m sweeps.tracking.ui                                    serves sqlite:///mlflow.db on 127.0.0.1:5000
    python -m sweeps.tracking.ui --tracking-uri http://server:5000  only opens the page there

MLflow's table shows no parameter or metric until one picks them. Its "share view" stores a picked state
in a tag of the experiment, `mlflow.sharedViewState.KEY`, and opens it from the URL parameter
`viewStateShareKey=KEY`. The mirror writes that tag; this prints and opens that URL.
"""

from __future__ import annotations

import json
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
from result_metrics import SMALLER
from result_schema import METRICS, VERSION, Manifest
from sweeps.console import command_line
from sweeps.console.errors import check_given
from sweeps.console.masking import masked, without_user
from sweeps.tracking.follower import mirror_command, resolve_tracking_uri, sqlite_path

HOST = "127.0.0.1"
VIEW = "comparison"
START_SECONDS = 600.0  # against waiting for ever: a busy machine takes minutes
SERVER_ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else eight idle processes and an open job API
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class UIError(RuntimeError):
    """The UI cannot be opened; the message gives the reason and the remedy."""


def view_tags(manifest: Manifest, mirrored: str = "") -> dict[str, str]:
    """Tags of the experiment that describe it in the UI: the comparison's view, and the question.

    mirrored: what of the study's runs is in MLflow, in words; '' for all of them.
    """
    columns = [
        *(f"params.`{name}`" for name in ("algorithm", "lam")),
        *(f"metrics.`{name}`" for name in _shown(manifest)),
        *(f"tags.`{name}`" for name in ("outcome", VERSION, "data_version")),
        *(f"params.`{name}`" for name in (*manifest.hyper_parameters, "seed")),
    ]
    better = {metric.name: metric.better for metric in manifest.metrics}
    first = next(name for name in (*reversed(manifest.headline), *better) if name in better)
    state = {
        "searchFilter": "tags.kind = 'run'",
        "orderByKey": f"metrics.`{first}`",
        "orderByAsc": better[first] == SMALLER,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": {column: _pixels(column) for column in columns},
        "runsHiddenMode": "FIRST_10_RUNS",
    }
    tags = {f"mlflow.sharedViewState.{VIEW}": json.dumps(state)}
    part = (
        f"Of this study's runs MLflow has: {mirrored}. The stored rows are all of them." if mirrored else ""
    )
    note = "\n\n".join(filter(None, (manifest.question, part)))
    return {**tags, "mlflow.note.content": note} if note else tags


def _shown(manifest: Manifest) -> list[str]:
    """Metrics with a column: the headline, and the first ones with a best or worst possible value."""
    return [
        metric.name
        for metric in manifest.metrics
        if metric.name in manifest.headline or (metric.name in METRICS and metric.worst is not None)
    ]


def _pixels(column: str) -> int:
    """Width that shows the whole name; MLflow's default cuts off `inception_score`."""
    return 65 + 5 * len(column.split("`")[1])


def deep_link(server: str, experiment_id: str) -> str:
    """URL of a study's runs, with the view of `view_tags`."""
    return f"{server}/#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW}"


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


def _show(link: str, options: Options) -> None:
    print(link, flush=True)
    if options.open:
        webbrowser.open(link)


def main(options: Options) -> int:
    """Runs the command; returns its exit code."""
    try:
        check_given(options)
        uri = resolve_tracking_uri(options.tracking_uri)
        experiment_id = study_experiment(uri, options.study)
        if uri.startswith("http"):
            _show(deep_link(without_user(uri), experiment_id), options)
            return 0
        signal.signal(
            signal.SIGTERM, signal.default_int_handler
        )  # ended from outside, it ends its server too
        with serve(uri, options.port) as server:
            _show(deep_link(f"http://{HOST}:{options.port}", experiment_id), options)
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
