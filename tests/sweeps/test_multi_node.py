"""Several Ray nodes on this machine: cohorts land on all of them, and nodes come and go while a study trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drills.harness import ROOT, Drill, until
from tests.drills.recorded import LOG

pytestmark = pytest.mark.cluster


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster whose head trains nothing; its workers record what they train in tmp_path/trained.jsonl."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(LOG, str(tmp_path / "trained.jsonl"))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def test_cohorts_land_on_all_nodes_while_one_leaves_and_another_joins(cluster: Any, tmp_path: Path) -> None:
    leaving = cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    drill = Drill(
        tmp_path, "--preset", "smoke", "--limit", "6", "--iterations", "1500", checkpoint_seconds=1.0
    )
    driver = drill.start("--address", cluster.address)
    try:
        until(lambda: len({block.node for block in drill.trained()}) == 2 and drill.states())
        left_at = time.time()
        cluster.remove_node(leaving, allow_graceful=False)
        joined = cluster.add_node(num_cpus=1)
        raylet = joined.all_processes["raylet"][0].process.pid
        until(lambda: any(block.node == raylet for block in drill.trained()))
        output, errors = driver.communicate(timeout=1500)
    finally:
        driver.kill()
        driver.wait()
    assert driver.returncode == 0, output + errors
    drill.assert_complete(limit=6, iterations=1500)
    later = {block.node for block in drill.trained() if block.started > left_at + 5}
    assert raylet in later
    assert len({block.node for block in drill.trained()}) == 3


PLACED = """
import json, sys, time, uuid, ray
from pathlib import Path
from sweeps.execution.cluster import connect
slots, folder = connect(sys.argv[1]), Path(sys.argv[2])
def where():
    (folder / uuid.uuid4().hex).touch()
    while len(list(folder.iterdir())) < slots.count:  # for ever, where they are not used side by side
        time.sleep(0.05)
    return ray.get_runtime_context().get_node_id(), ray.get_gpu_ids()
task = ray.remote(where).options(num_cpus=slots.resources["CPU"], num_gpus=slots.resources["GPU"])
found = ray.get([task.remote() for _ in range(slots.count)], timeout=600)
gpus = [n["NodeID"] for n in ray.nodes() if n["Resources"].get("GPU")]
print(json.dumps([slots.count, slots.device, slots.resources, [[gpus.index(n), g] for n, g in found]]))
"""


def test_fractions_of_gpus_are_where_the_gpus_are_and_used_side_by_side(cluster: Any, tmp_path: Path) -> None:
    # Ray takes declared GPUs at their word: what is tested is the placing, not the devices.
    cluster.add_node(num_cpus=8)
    cluster.add_node(num_cpus=2, num_gpus=1)
    cluster.add_node(num_cpus=2, num_gpus=1)
    (tmp_path / "begun").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PLACED, cluster.address, str(tmp_path / "begun")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, device, resources, places = json.loads(done.stdout.splitlines()[-1])
    # 4 cores beside 2 GPUs: 2 trials on each
    assert (count, device, resources) == (4, "cuda", {"CPU": 1.0, "GPU": 0.5})
    assert sorted(node for node, _ in places) == [0, 0, 1, 1]
    assert all(len(ids) == 1 for _, ids in places)
