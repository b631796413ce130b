"""Results in a bucket: a stand-in for S3 on loopback, spoken to by pyarrow as the real one is."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from result_schema import read_runs
from sweeps.toy_robustness import STUDY
from tests.infra.conftest import free_port, started, wait_for_port
from tests.infra.installed import ROOT
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.cluster


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URI of an empty bucket; the environment of this process and its children says where it is."""
    import boto3

    port = free_port()
    process = started(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)], tmp_path / "s3.log"
    )
    for name, value in {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "mine",
                        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    try:
        wait_for_port(port, process)
        boto3.client("s3").create_bucket(Bucket="results-of-mine")
        yield "s3://results-of-mine/results"
    finally:
        process.terminate()
        process.wait()


def study(where: Path, uri: str, *more: str) -> str:
    arguments = ["--preset", "smoke", "--limit", "3", "--iterations", "40", "--results", uri, "--tracking-uri", f"sqlite:///{where}/mlflow.db"]  # fmt: skip
    done = subprocess.run([sys.executable, str(ROOT / "sweeps/toy_robustness.py"), *arguments, *more],
                          cwd=where, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_study_keeps_its_rows_in_a_bucket_and_goes_on_from_there(bucket: str, tmp_path: Path) -> None:
    import boto3

    first = study(tmp_path, bucket)
    assert "6 runs declared, 0 stored, 6 to train" in first
    declared = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=40))
    rows = read_runs(f"{bucket}/toy_robustness")
    assert Counter(rows["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    assert mlflow_runs(tmp_path) == {(run.key, "FINISHED"): 1 for run in declared}
    listed = boto3.client("s3").list_objects_v2(Bucket="results-of-mine")["Contents"]
    names = {item["Key"].removeprefix("results/toy_robustness/") for item in listed}
    assert "report/report.html" in names
    assert not [name for name in names if name.startswith("ray/") and name != "ray/"], "checkpoints stay"
    assert not (tmp_path / "results").exists()

    elsewhere = tmp_path / "another machine"
    elsewhere.mkdir()
    again = study(elsewhere, bucket, "--lambdas", "0.1", "1")
    assert "12 runs declared, 6 stored, 6 to train" in again
    assert read_runs(f"{bucket}/toy_robustness").num_rows == 12
    assert len(mlflow_runs(elsewhere)) == 12
