"""A node is started once, stopped by its id, and nothing else is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import infra.node
from infra.node import STARTED, NodeError, main, start, stop
from sweeps.planning import cores

RUNS = [sys.executable, "-c", f"import time; print({STARTED!r}, flush=True); time.sleep(60)"]


def test_node_runs_until_it_is_stopped(tmp_path: Path) -> None:
    node = start(RUNS, tmp_path)
    assert node.poll() is None
    assert stop(tmp_path)
    assert node.poll() == -signal.SIGTERM
    assert not stop(tmp_path)


def test_node_that_is_started_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first, second = start(RUNS, tmp_path), start(RUNS, tmp_path)
    assert first.poll() == -signal.SIGTERM
    assert second.poll() is None
    assert stop(tmp_path)
    assert second.wait() == -signal.SIGTERM


def test_node_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"did not start \(port 6380 is taken\); see .*node.log"):
        start([sys.executable, "-c", "raise SystemExit('port 6380 is taken')"], tmp_path)
    assert not stop(tmp_path)


def test_node_that_is_not_up_in_time_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infra.node, "START_SECONDS", 0.0)
    with pytest.raises(NodeError, match=r"did not start \(not up in 0 s\); see .*node.log"):
        start([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path)
    assert not stop(tmp_path)


def test_process_that_was_given_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        (tmp_path / "node.pid").write_text(f"{other.pid} 1")
        assert not stop(tmp_path)
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], [f"--num-cpus={cores.available()}"]), (["--num-cpus=0"], ["--num-cpus=0"])],
)
def test_node_has_the_cores_that_it_may_use(
    arguments: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(
        infra.node, "start", lambda command, directory: commands.append(command) or SimpleNamespace(pid=1)
    )
    assert main(["ray", "start", *arguments]) == 0
    assert commands == [["ray", "start", *expected]]


def test_bad_arguments_are_refused_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ray", "stop"]) == 2
    assert (
        capsys.readouterr().err
        == "infra.node: arguments must be 'stop' or 'ray start …', got ['ray', 'stop']\n"
    )


def test_node_is_not_told_the_address_of_another_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    node = start([sys.executable, "-c", f"import os, time; print(os.environ.get('RAY_ADDRESS'), {STARTED!r}, flush=True); time.sleep(60)"], tmp_path)  # fmt: skip
    assert (tmp_path / "node.log").read_text() == f"None {STARTED}\n"
    stop(tmp_path)
    node.wait()
