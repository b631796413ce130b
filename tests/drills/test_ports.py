"""Drill 14: what listens while a study trains and MLflow is open, and what it lets a stranger do."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sweeps.tracking.mlflow_store import ExperimentStore
from tests.drills.harness import ROOT, Drill, children, record, until
from tests.sweeps.small_study import mlflow_client
from tests.sweeps.test_ui import free_port

pytestmark = pytest.mark.drill
STUDY = ("--preset", "smoke", "--limit", "4", "--iterations", "100000")
TCP_LISTEN = "0A"


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    return [pid, *(p for child in children(pid) for p in tree(child))]


def listening(pids: list[int]) -> set[tuple[str, int]]:
    """(address, port) on which these processes accept connections."""
    inodes = {}
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == TCP_LISTEN:
                host, port = fields[1].split(":")
                words = bytes.fromhex(host)  # the kernel prints 32-bit words in its own byte order
                address = b"".join(words[n : n + 4][::-1] for n in range(0, len(words), 4))
                inodes[f"socket:[{fields[9]}]"] = (socket.inet_ntop(family, address), int(port, 16))
    found = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                found.add(inodes.get(str(handle.readlink())))
            except FileNotFoundError:
                continue
    return {place for place in found if place}


def answer(port: int, method: str, path: str, body: object, seconds: float = 300.0, **headers: str) -> int:
    """Status of an HTTP request to the loopback interface; 0 where HTTP is not spoken within these seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


INTRUDER = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="CRITICAL")
print("RAN", ray.get(ray.remote(lambda: 42).remote(), timeout=30))
"""


def intrude(address: str, environment: dict[str, str], **token: str) -> str:
    """What a stranger's driver gets from a cluster, without its token or with a wrong one."""
    own = {name: value for name, value in environment.items() if not name.startswith("RAY_AUTH")}
    try:
        done = subprocess.run(
            [sys.executable, "-c", INTRUDER, address], env={**own, **token},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "no answer"
    return done.stdout + done.stderr


def refused(where: Path, password: str) -> bool:
    """Whether the team's tracking server does not start with this password of its administrator."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.tracking.server", "--directory", str(where / "tracking")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_AUTH_ADMIN_PASSWORD": password},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    return done.returncode == 2 and not (where / "tracking").exists()


def test_what_listens_lets_no_stranger_in(tmp_path: Path) -> None:
    drill = Drill(tmp_path, *STUDY)
    ExperimentStore(drill.tracking_uri, "toy_robustness")
    port = free_port()
    driver = drill.start()
    command = [
        sys.executable,
        "-m",
        "sweeps.tracking.ui",
        "--tracking-uri",
        drill.tracking_uri,
        "--no-open",
        "--port",
        str(port),
    ]
    ui = subprocess.Popen(
        command, env=drill.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        until(lambda: drill.trained())
        assert ui.stdout is not None
        assert ui.stdout.readline().startswith(f"http://127.0.0.1:{port}")
        of_ray, of_mlflow = listening(tree(driver.pid)), listening(tree(ui.pid))
        strangers = sorted(
            place for place in of_ray | of_mlflow if place[0].removeprefix("::ffff:") != "127.0.0.1"
        )
        job = {"entrypoint": f"touch {tmp_path}/ran"}
        jobs = {p: answer(p, "POST", "/api/jobs/", job, seconds=10.0) for _, p in of_ray | of_mlflow}

        before = len(mlflow_client(drill.tracking_uri).search_experiments())
        create = "/api/2.0/mlflow/experiments/create"
        bad_host = answer(port, "POST", create, {"name": "a"}, Host="evil.example.org")
        foreign_page = answer(port, "POST", create, {"name": "b"}, Origin="http://evil.example.org")
        after = len(mlflow_client(drill.tracking_uri).search_experiments())
        # The GCS is where drivers ask to be let in.
        gcs = [place[1] for pid in children(driver.pid, name="gcs_server") for place in listening([pid])]
        tokens = [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}]
        with ThreadPoolExecutor() as pool:
            intruders = list(
                pool.map(lambda own: intrude(f"127.0.0.1:{gcs[0]}", drill.environment, **own), tokens)
            )
        assert driver.poll() is None
    finally:
        for process in (driver, ui):
            os.kill(process.pid, signal.SIGTERM)
            process.communicate(timeout=1200)
    defaults = ["", "admin", "password", "password1234"]  # the last two are MLflow's own
    started = [password for password in defaults if not refused(tmp_path, password)]
    record(
        14, "Listening ports of Ray and MLflow as started on one machine, probed without credentials",
        "no job submission, no write accepted, bad Host refused, default passwords refused at start",
        f"{len(of_ray)} ports of Ray and {len(of_mlflow)} of MLflow, {len(strangers)} beyond the loopback interface; "
        f"{sum(200 <= status < 300 for status in jobs.values())} accept a job; bad Host: {bad_host}, foreign Origin: "
        f"{foreign_page}, {after - before} experiments written; drivers without and with a wrong token: "
        f"{sum('RAN' in text for text in intruders)} of 2 ran; {len(started)} of {len(defaults)} default passwords accepted",
        "test_ports.py::test_what_listens_lets_no_stranger_in",
    )  # fmt: skip
    assert of_ray
    assert of_mlflow == {("127.0.0.1", port)}
    assert strangers == []
    assert not any(200 <= status < 300 for status in jobs.values()), jobs
    assert not (tmp_path / "ran").exists()
    assert (bad_host, foreign_page) == (403, 403)
    assert after == before
    assert not any("RAN" in text for text in intruders), intruders
    assert started == []
