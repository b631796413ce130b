"""`ray up`, `ray submit` and `ray down` with infra/ray/local.yaml, over ssh to this machine."""

from __future__ import annotations

import getpass
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from result_reading import read_runs
from sweeps.toy_robustness import STUDY
from tests.infra.conftest import Machine, free_port, started, wait_for_port
from tests.infra.installed import ROOT, outside_environment
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.cluster

RAY = str(Path(sys.executable).parent / "ray")
ARGUMENTS = ["--preset", "smoke", "--limit", "3", "--iterations", "40", "--address", "auto"]


@pytest.fixture
def foreign_ray(tmp_path: Path) -> Iterator[str]:
    """Somebody else's Ray on the same machine; its address. Whoever stopped it makes the test fail."""
    port = free_port()
    command = [RAY, "start", "--head", "--block", f"--port={port}", "--include-dashboard=false", "--num-cpus=1",
               "--object-store-memory=80000000", f"--ray-client-server-port={free_port()}"]  # fmt: skip
    variables = {**outside_environment(), "RAY_TMPDIR": "/tmp", "RAY_AUTH_MODE": "disabled"}
    temporary = Path("/tmp") / f"foreign{port}"
    process = started([*command, f"--temp-dir={temporary}"], tmp_path / "foreign.log", variables)
    try:
        wait_for_port(port, process)
        yield f"127.0.0.1:{port}"
        assert process.poll() is None, "the other Ray was stopped"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(300)
        shutil.rmtree(temporary, ignore_errors=True)


@pytest.fixture
def cluster_file(machine: Machine, wheel: Path, tmp_path: Path) -> Path:
    """infra/ray/local.yaml with the addresses, ports, user and key of the machine."""
    dist = tmp_path / "dist"
    dist.mkdir()
    for path in (wheel, ROOT / "constraints.txt", ROOT / "infra/ray/node.sh", ROOT / "infra/ray/setup.sh"):
        shutil.copy(path, dist)
    proxy = f"{sys.executable} {Path(__file__).parent / 'relay.py'} {machine.port}"
    replaced = {
        "head_ip: 192.168.1.10": "head_ip: 127.0.0.1",
        "worker_ips: [192.168.1.11, 192.168.1.12]": "worker_ips: []",
        "ssh_user: me": f"ssh_user: {getpass.getuser()}\n  ssh_proxy_command: {proxy}",
        "~/.ssh/id_ed25519": str(machine.key),
        "dist: dist": f"dist: {dist}",
        "--port=6380": f"--port={free_port()} --num-cpus=2 --object-store-memory=80000000",
        "--dashboard-port=8266": f"--dashboard-port={free_port()}",
        "--ray-client-server-port=20001": f"--ray-client-server-port={free_port()}",
    }
    text = (ROOT / "infra/ray/local.yaml").read_text()
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "local.yaml"
    path.write_text(text)
    (machine.home / "generative-robustness" / "loopback").touch()
    return path


def ask(address: str, **variables: str) -> str:
    """Number of CPUs of a Ray; an error if it refuses, or does not answer."""
    script = f"import ray; ray.init(address='{address}', logging_level=50); print(int(ray.cluster_resources()['CPU']))"
    environment = {**outside_environment(), "RAY_AUTH_MODE": "disabled", **variables}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout.strip()


def test_ray_submit_runs_the_study_on_an_own_machine_and_stops_no_other_ray(
    machine: Machine, cluster_file: Path, foreign_ray: str, tmp_path: Path
) -> None:
    client = tmp_path / "client"
    client.mkdir()
    variables = {**outside_environment(), "HOME": str(client), "RAY_TMPDIR": str(client)}
    # sshd begins in the account's real home, whatever HOME is
    arguments = [
        *ARGUMENTS,
        "--results",
        f"{machine.home}/results",
        "--tracking-uri",
        f"sqlite:///{machine.home}/mlflow.db",
    ]

    def ray(*arguments: str) -> str:
        done = subprocess.run(
            [RAY, *arguments], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ray("get-auth-token", "--generate")
    ray("up", "--yes", str(cluster_file))
    output = ray("submit", str(cluster_file), str(ROOT / "sweeps/toy_robustness.py"), "--", *arguments)
    assert "6 runs declared, 0 stored, 6 to train" in output
    ours = (machine.temporary / "ray" / "ray_current_cluster").read_text()
    assert ours.startswith("127.0.0.1:")
    secured = {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # it is on loopback alone
    with pytest.raises(subprocess.CalledProcessError, match="exit status 1"):
        ask(ours, **secured, RAY_AUTH_TOKEN="0" * 64)
    assert ask(ours, **secured, RAY_AUTH_TOKEN=(client / ".ray" / "auth_token").read_text()) == "2"
    declared = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=40))
    rows = read_runs(str(machine.home / "results" / "toy_robustness"))
    assert Counter(rows["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    assert set(rows["outcome"].to_pylist()) == {"COMPLETED"}
    assert mlflow_runs(machine.home) == {(run.key, "FINISHED"): 1 for run in declared}
    again = ray("submit", str(cluster_file), str(ROOT / "sweeps/toy_robustness.py"), "--", *arguments)
    assert "6 runs declared, 6 stored, 0 to train" in again

    ray("up", "--yes", str(cluster_file))  # starts ours again
    assert ask(foreign_ray) == "1"
    pid = int((machine.temporary / "node.pid").read_text().split()[0])
    ray("down", "--yes", str(cluster_file))
    assert not Path(f"/proc/{pid}").exists()
    assert ask(foreign_ray) == "1"
