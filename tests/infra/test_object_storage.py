"""Results in a bucket: a stand-in for S3 on loopback, spoken to by pyarrow as the real one is."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from result_reading import read_runs
from sweeps.toy_robustness import STUDY
from tests.drills.harness import Drill, until
from tests.drills.recorded import redone
from tests.infra.installed import ROOT
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.cluster


def study(where: Path, uri: str, *more: str) -> str:
    arguments = ["--preset", "smoke", "--limit", "3", "--iterations", "40", "--results", uri, "--tracking-uri", f"sqlite:///{where}/mlflow.db"]  # fmt: skip
    done = subprocess.run([sys.executable, str(ROOT / "sweeps/toy_robustness.py"), *arguments, *more],
                          cwd=where, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def objects(bucket: str) -> set[str]:
    """Names of what is stored of the study."""
    import boto3

    listed = boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"].removeprefix("results/toy_robustness/") for item in listed}


def test_study_keeps_its_rows_in_a_bucket_and_goes_on_from_there(bucket: str, tmp_path: Path) -> None:
    results = f"s3://{bucket}/results"
    first = study(tmp_path, results)
    assert "6 runs declared, 0 stored, 6 to train" in first
    declared = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=40))
    rows = read_runs(f"{results}/toy_robustness")
    assert Counter(rows["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    assert mlflow_runs(tmp_path) == {(run.key, "FINISHED"): 1 for run in declared}
    names = objects(bucket)
    assert "report/report.html" in names
    assert not [name for name in names if name.startswith("ray/") and name != "ray/"], "checkpoints stay"
    assert not (tmp_path / "results").exists()

    elsewhere = tmp_path / "another machine"
    elsewhere.mkdir()
    again = study(elsewhere, results, "--lambdas", "0.1", "1")
    assert "12 runs declared, 6 stored, 6 to train" in again
    assert read_runs(f"{results}/toy_robustness").num_rows == 12
    assert len(mlflow_runs(elsewhere)) == 12


def test_killed_driver_goes_on_in_a_bucket_that_one_driver_holds(bucket: str, tmp_path: Path) -> None:
    results = f"s3://{bucket}/results"
    drill = Drill(
        tmp_path, "--preset", "smoke", "--limit", "3", "--iterations", "6000", "--results", results, checkpoint_seconds=1.0
    )  # fmt: skip
    first = drill.start()
    until(lambda: any(name.startswith("states/begun-") for name in objects(bucket)))
    second = drill.start()
    _, words = second.communicate(timeout=1200)
    assert second.returncode == 2
    assert f"held by process {first.pid}" in words
    assert first.poll() is None, "it ended before it could be killed"
    first.kill()
    first.communicate()
    drill.finish()
    assert all(since > 0 for _, since in redone(drill.trained())), "it goes on from a state"
    declared = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=6000))
    rows = read_runs(f"{results}/toy_robustness")
    assert Counter(rows["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    assert mlflow_runs(tmp_path) == {(run.key, "FINISHED"): 1 for run in declared}
    assert not [name for name in objects(bucket) if name.startswith("states/begun-")]
