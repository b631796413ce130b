"""Drill 3: the head of a cluster is lost, with and without the driver; a new cluster goes on with the same results."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from result_reading import read_runs
from tests.drills.harness import Drill, alive, record, until
from tests.drills.recorded import redone
from tests.sweeps.test_ui import free_port

pytestmark = pytest.mark.drill
STUDY = ("--preset", "smoke", "--limit", "6", "--iterations", "2000")
OF = {"limit": 6, "iterations": 2000}


class Head:
    """A head node of its own folder and port, on the loopback interface, ended by its process numbers."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.port, self.since = free_port(), time.time()
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--port", str(self.port),
            "--node-ip-address", "127.0.0.1", "--temp-dir", str(folder), "--num-cpus", "2",
            "--include-dashboard", "false", "--disable-usage-stats", "--object-store-memory", str(128 << 20),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.address = f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """All its processes at once, as when the machine is lost."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "-s", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in found:
            if alive(int(pid)):
                os.kill(int(pid), signal.SIGKILL)
        self.process.wait()


def test_new_clusters_go_on_where_lost_heads_were(tmp_path: Path) -> None:
    drill = Drill(tmp_path / "study", *STUDY, checkpoint_seconds=1.0)
    drill.environment |= {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }
    heads: list[Head] = []

    def begin() -> subprocess.Popen[str]:
        # A folder of a short name: Ray's sockets in it must have one of at most 107 characters.
        heads.append(Head(Path(f"/tmp/d{os.getpid()}-{len(heads)}"), drill.environment))
        until(lambda: _answers(heads[-1].port))
        return drill.start("--address", heads[-1].address)

    def goes_on() -> bool:
        return bool(drill.states()) and len(drill.stored_rows()) > len(before)

    before: dict[str, dict[str, object]] = {}
    going = []
    try:
        driver = begin()
        for driver_is_lost in (False, True):
            until(goes_on)
            heads[-1].kill()
            lost = time.time()
            if driver_is_lost:  # it ran on the head, as `ray submit` and `ray job submit` have it
                driver.send_signal(signal.SIGKILL)
            driver.communicate(timeout=1500)  # else Ray ends it when the head is gone for a minute
            stored = {row["run_key"]: row for row in read_runs(str(drill.results)).to_pylist()}
            before = {**stored, **before}  # each as it was when it was first seen
            driver = begin()
            again = until(lambda: [b.started for b in drill.trained() if b.started > heads[-1].since])
            going.append(again[0] - lost)
        output, errors = driver.communicate(timeout=1500)
        assert driver.returncode == 0, output + errors
    finally:
        for head in heads:
            head.kill()
    drill.assert_complete(**OF)
    after = {row["run_key"]: row for row in read_runs(str(drill.results)).to_pylist()}
    kept = sum(after[key] == row for key, row in before.items())
    seconds = max(redone(drill.trained()).values(), default=0.0)
    record(
        3, "Head lost, then head and driver; new clusters, same results",
        "0 finished runs lost, going again within 5 minutes",
        f"{kept} of {len(before)} finished runs as they were, training again {going[0]:.0f} s after the head was lost (its "
        f"driver ended by itself) and {going[1]:.0f} s after both were, at most {seconds:.1f} s of training redone; 12 of 12 runs",
        "test_head_lost.py::test_new_clusters_go_on_where_lost_heads_were",
    )  # fmt: skip
    assert before
    assert kept == len(before)
    assert max(going) <= 300


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
