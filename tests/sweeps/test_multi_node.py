"""Several Ray nodes on this machine: cohorts go to all of them, nodes come and go, GPUs are shared."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._private.state import available_resources_per_node
from ray.cluster_utils import Cluster

import result_schema
from sweeps.cluster import connect
from tests.sweeps.small_study import mlflow_client

pytestmark = pytest.mark.cluster

SCRIPT = Path(__file__).parents[2] / "sweeps" / "toy_robustness.py"
RUNS = 96
PATIENCE = 300.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head that trains nothing; tests add the nodes."""
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield found
    ray.shutdown()
    found.shutdown()


def busy_nodes() -> set[str]:
    """Ids of the nodes whose one core is in use."""
    return {node for node, free in available_resources_per_node().items()
            if free.get("node:__internal_head__") is None and free.get("CPU", 0.0) == 0.0}  # fmt: skip


def until(condition: Any, what: str, driver: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert driver.poll() is None, f"the study ended before {what}"
        assert time.monotonic() < deadline, f"{what} took more than {PATIENCE:g} s"
        time.sleep(0.1)


def test_study_uses_every_node_and_outlives_one_that_leaves_while_another_joins(
    cluster: Cluster, tmp_path: Path
) -> None:
    leaving, staying = (cluster.add_node(num_cpus=1) for _ in range(2))
    ray.init(address=cluster.address, log_to_driver=False)
    results, uri = tmp_path / "results", f"sqlite:///{tmp_path}/mlflow.db"
    command = [sys.executable, str(SCRIPT), "--limit", str(RUNS // 2), "--iterations", "600", "--address", cluster.address,
               "--results", str(results), "--tracking-uri", uri]  # fmt: skip
    busy: set[str] = set()

    def seen(*nodes: Any) -> bool:
        busy.update(busy_nodes())
        return {node.node_id for node in nodes} <= busy

    with (tmp_path / "driver.log").open("wb") as log:
        driver = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path)
    try:
        until(lambda: seen(leaving, staying), "both nodes trained", driver)
        until(lambda: any(results.glob("*/runs/*.parquet")), "the first rows were stored", driver)
        cluster.remove_node(leaving, allow_graceful=False)
        joining = cluster.add_node(num_cpus=1)
        until(lambda: seen(joining), "the new node trained", driver)
        assert driver.wait(PATIENCE) == 0, (tmp_path / "driver.log").read_text()
    finally:
        driver.kill()
    rows = result_schema.read_runs(str(results / "toy_robustness")).to_pylist()
    assert len(rows) == len({row["run_key"] for row in rows}) == RUNS
    assert {row["outcome"] for row in rows} <= {"COMPLETED", "DIVERGED"}
    client = mlflow_client(uri)
    experiment = client.get_experiment_by_name("toy_robustness")
    found = client.search_runs([experiment.experiment_id], "tags.kind = 'run'", max_results=1000)
    assert sorted(run.data.tags["run_key"] for run in found) == sorted(row["run_key"] for row in rows)
    assert {run.info.status for run in found} == {"FINISHED"}


def test_trials_share_the_gpu_and_none_goes_to_a_node_without(cluster: Cluster) -> None:
    cluster.add_node(num_cpus=2, num_gpus=1)
    cluster.add_node(num_cpus=4)
    slots = connect(cluster.address)
    assert (slots.count, slots.resources) == (2, {"CPU": 1.0, "GPU": 0.5})

    @ray.remote(num_cpus=slots.resources["CPU"], num_gpus=slots.resources["GPU"])
    class Trial:
        def where(self) -> tuple[str, list[int]]:
            return ray.get_runtime_context().get_node_id(), ray.get_gpu_ids()

    trials = [Trial.remote() for _ in range(slots.count)]
    places = ray.get([trial.where.remote() for trial in trials], timeout=60)
    with_gpu = [node["NodeID"] for node in ray.nodes() if node["Resources"].get("GPU")]
    assert [node for node, _ in places] == with_gpu * 2
    assert [ids for _, ids in places] == [[0], [0]]  # both at once on one GPU
    third = Trial.remote()
    assert ray.wait([third.where.remote()], timeout=2)[0] == []  # no room, though four cores are idle
