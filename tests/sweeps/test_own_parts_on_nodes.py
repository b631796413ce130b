"""Every kind of part from a package of somebody's own, trained on two Ray nodes, searched for, mirrored and reported."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from result_manifest import read_manifest
from result_reading import read_runs
from tests.drills.harness import ROOT
from tests.drills.recorded import LOG, blocks
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.cluster
SOMEBODYS = ROOT / "tests" / "somebodys"
LION, CONVOLUTIONAL = "my_lab.lion:Lion", "my_lab.convolutional:Convolutional"


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of two nodes with a core each, which have the project and not the package."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(LOG, str(tmp_path / "trained.jsonl"))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


def study(nodes: Any, where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (SOMEBODYS, ROOT))),
        "DRILL": json.dumps({}),
        "DRILL_STUDY": "my_lab.pictures",
        LOG: str(where / "trained.jsonl"),
    }
    command = [sys.executable, "-m", "tests.drills.driver", "--preset", "smoke", "--address", nodes.address]
    tracking = ["--tracking-uri", f"sqlite:///{where}/mlflow.db"]
    return subprocess.run(
        [*command, *tracking, *options],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_parts_of_ones_own_train_on_two_nodes_and_are_searched_mirrored_and_reported(
    nodes: Any, tmp_path: Path
) -> None:
    lacking = study(nodes, tmp_path)
    assert lacking.returncode == 2, lacking.stdout + lacking.stderr
    assert "every node must have the study's parts" in lacking.stderr
    assert lacking.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()

    # Six configurations, of svae_r one, of aavae two temperatures, of wgan two numbers of critic steps.
    done = study(nodes, tmp_path, "--py-modules", "my_lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len({block.node for block in blocks(tmp_path / "trained.jsonl")}) == 2
    directory = str(tmp_path / "results" / "pictures")
    rows = read_runs(directory).to_pylist()
    assert len(rows) == 6 * 5
    assert {row["outcome"] for row in rows} == {"COMPLETED"}
    assert {row["algorithm"] for row in rows} == {"svae_r", "aavae", "aavae:temperature=3", "wgan", "wgan:critic_steps=1", "wgan:critic_steps=2"} - {"wgan"}  # fmt: skip
    assert {row["encoder"] for row in rows} == {CONVOLUTIONAL}
    assert {(row["optimiser"], row["weight_decay"], row["beta2"]) for row in rows} == {
        ("adam", 0.0, None), ("adam", 0.01, None), (LION, None, 0.9),
    }  # fmt: skip
    assert {row["z_dim"] for row in rows} == {4, 6}
    assert all(row["sliced_wasserstein"] > 0 for row in rows)
    assert read_manifest(directory).headline == ("mse_x", "sliced_wasserstein")

    report = (Path(directory) / "report" / "report.html").read_text()
    assert "sliced Wasserstein distance" in report
    assert {"histograms.svg", "cost.svg"} <= {path.name for path in (Path(directory) / "report").iterdir()}
    assert len(mlflow_runs(tmp_path)) == len(rows)
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        measured = "SELECT COUNT(DISTINCT run_uuid) FROM latest_metrics WHERE key = 'sliced_wasserstein'"
        assert database.execute(measured).fetchone() == (len(rows),)
        chosen = "SELECT DISTINCT value FROM params WHERE key = 'optimiser'"
        assert {value for (value,) in database.execute(chosen)} == {"adam", LION}

    found = study(nodes, tmp_path, "--py-modules", "my_lab", "--search", "tpe", "--metrics", "sliced_wasserstein",
                  "--runs", "4", "--generation", "2", "--algorithms", "svae_r")  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert "svae_r λ=0.1: sliced_wasserstein" in found.stdout
    searched = read_runs(str(tmp_path / "results" / "pictures-search")).to_pylist()
    assert len(searched) == 4
