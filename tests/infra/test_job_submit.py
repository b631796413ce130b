"""`ray job submit` to a cluster that has only the wheel, behind a token, on loopback."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from result_reading import read_runs
from sweeps.toy_robustness import STUDY
from tests.infra.conftest import free_port
from tests.infra.installed import environment, outside_environment
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.cluster


@pytest.fixture
def head(wheel: Path, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Address of the job server of a one-node cluster, and the environment of those who may use it."""
    python = environment(tmp_path / "venv")
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    temporary = Path(tempfile.mkdtemp(prefix="gr", dir="/tmp"))
    port, dashboard = free_port(), free_port()
    allowed = {
        **outside_environment(),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback alone
    }
    variables = {**allowed, "RAY_TMPDIR": str(temporary), "PATH": f"{python.parent}:{allowed['PATH']}"}
    start = ["ray", "start", "--head", f"--port={port}", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
             f"--dashboard-agent-listen-port={free_port()}", f"--ray-client-server-port={free_port()}", "--num-cpus=2", "--object-store-memory=80000000"]  # fmt: skip
    node = [str(python), "-m", "infra.node"]
    try:
        subprocess.run([*node, *start], env=variables, cwd=tmp_path, check=True)
        yield f"http://127.0.0.1:{dashboard}", allowed
    finally:
        subprocess.run([*node, "stop"], env=variables, cwd=tmp_path, check=False)
        shutil.rmtree(temporary, ignore_errors=True)


def test_job_submit_runs_the_study_and_nobody_without_the_token_does(
    head: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    address, allowed = head
    study = ["python", "-m", "sweeps.toy_robustness", "--preset", "smoke", "--limit", "3", "--iterations", "40", "--address", "auto",
             "--results", f"{tmp_path}/results", "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"]  # fmt: skip
    submit = [str(Path(sys.executable).parent / "ray"), "job", "submit", "--address", address, "--"]
    refused = {**allowed, "RAY_AUTH_TOKEN": "0" * 64}
    stranger = subprocess.run(
        [*submit, *study], env=refused, capture_output=True, text=True, check=False, timeout=600
    )
    assert stranger.returncode != 0
    assert not (tmp_path / "results").exists()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{address}/api/jobs/", timeout=100)

    done = subprocess.run([*submit, *study], env=allowed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 runs declared, 0 stored, 6 to train" in done.stdout
    declared = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=40))
    rows = read_runs(str(tmp_path / "results" / "toy_robustness"))
    assert Counter(rows["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    assert mlflow_runs(tmp_path) == {(run.key, "FINISHED"): 1 for run in declared}
