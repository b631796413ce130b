"""The driver's side of MLflow: is it there, and the process that follows a study and outlives its driver."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps.tracking import follower as tracking
from tests.sweeps.small_study import SmallStudy, curve, row, search

ROOT = Path(__file__).parents[2]


def until(condition: Callable[[], bool], timeout_s: float = 1500.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_resolve_tracking_uri_prefers_the_option_to_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000/")
    assert tracking.resolve_tracking_uri("sqlite:///a.db") == f"sqlite:///{tmp_path}/a.db"
    assert tracking.resolve_tracking_uri() == "http://server:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.resolve_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_check_tracking_warns_only_when_mlflow_cannot_be_used(uri: str) -> None:
    assert tracking.check_tracking(uri) is None
    warning = tracking.check_tracking(closed_port())
    assert warning is not None
    assert "Connection refused" in warning


def test_check_tracking_gives_up_when_the_server_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts, and never answers
        warning = tracking.check_tracking(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.5)
    assert warning is not None  # and it has come back


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_driver_side_imports_no_mlflow() -> None:
    code = "import sys, sweeps.tracking.follower, sweeps.tracking.mirror, sweeps.tracking.ui; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_follower_mirrors_rows_as_they_are_stored_and_then_the_report(study: SmallStudy, uri: str) -> None:
    follower = tracking.start_follower(study.uri, uri)
    assert until(lambda: has_runs(uri, 3))
    study.add([row("more", seed=3)], curve("more"))
    assert until(lambda: has_runs(uri, 4))
    (study.directory / "report").mkdir()
    (study.directory / "report" / "report.html").write_text("<p>")
    result = follower.finish(600)
    assert result.complete, result.message
    assert result.message.startswith("mirrored: 4 written, 4 runs of toy_robustness")
    assert len(search(uri, "tags.kind = 'report'")) == 1


def has_runs(uri: str, number: int) -> bool:
    """Whether so many runs are complete; asked of the database, as mlflow would be slow to ask."""
    with contextlib.closing(sqlite3.connect(uri.removeprefix("sqlite:///"), timeout=100)) as database:
        query = "SELECT count(*) FROM runs WHERE status != 'RUNNING'"
        return bool(database.execute(query).fetchone()[0] == number)


def test_follower_says_how_to_go_on_when_the_server_cannot_be_reached(study: SmallStudy) -> None:
    before = {path: path.stat().st_mtime_ns for path in study.directory.rglob("*")}
    uri = closed_port()
    follower = tracking.start_follower(study.uri, uri)
    result = follower.finish(600)
    assert not result.complete
    assert result.message.startswith(f"not mirrored: 3 of 3 runs of toy_robustness in MLflow at {uri} (")
    assert "Connection refused); " in result.message
    assert result.message.endswith(
        f"mirror later with: python -m sweeps.tracking.mirror '{study.uri}' --tracking-uri {uri}"
    )
    assert {path: path.stat().st_mtime_ns for path in study.directory.rglob("*")} == before


def test_follower_finishes_by_itself_when_its_parent_is_killed(study: SmallStudy, uri: str) -> None:
    code = (
        "import sys, time; from sweeps.tracking.follower import start_follower\n"
        "print(start_follower(*sys.argv[1:]).pid, flush=True); time.sleep(100)"
    )
    command = [sys.executable, "-c", code, study.uri, uri]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
    assert until(lambda: not is_running(pid))
    assert sorted(search(uri)) == ["done", "failed", "gone"]


def is_running(pid: int) -> bool:
    """Whether a process that is not our child is alive; one that nobody has waited for yet is not."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()[:1] not in ("", "Z")


def test_follower_stops_on_sigterm_when_it_was_started_by_hand(study: SmallStudy, uri: str) -> None:
    command = [sys.executable, "-m", "sweeps.tracking.mirror", study.uri, "--tracking-uri", uri, "--follow"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert until(lambda: has_runs(uri, 3))
        process.terminate()
        output, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    assert output.startswith("mirrored: 3 written, 3 runs")
