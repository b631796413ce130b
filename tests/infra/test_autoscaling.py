"""A cluster of one empty node grows to what --scale-to says, trains the study, and shrinks again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from infra.node import start, stop
from result_reading import read_runs
from sweeps.toy_robustness import STUDY
from tests.infra.conftest import free_port
from tests.infra.installed import ROOT, outside_environment

pytestmark = pytest.mark.cluster

RAY = str(Path(sys.executable).parent / "ray")
CLUSTER: dict[str, Any] = {
    "cluster_name": "growing",
    "max_workers": 2,
    "idle_timeout_minutes": 0.1,
    "provider": {"type": "external", "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider", "launch_multiple": True, "head_node_id": FAKE_HEAD_NODE_ID},
    "head_node_type": "ray.head.default",
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "cpu": {"resources": {"CPU": 1, "object_store_memory": 80_000_000}, "node_config": {}, "min_workers": 0, "max_workers": 2},
    },
    "file_mounts": {}, "setup_commands": [], "initialization_commands": [], "head_setup_commands": [], "auth": {},
    "worker_setup_commands": [], "head_start_ray_commands": [], "worker_start_ray_commands": [], "upscaling_speed": 1,
    "cluster_synced_files": [], "file_mounts_sync_continuously": False, "rsync_exclude": [], "rsync_filter": [], "docker": {},
}  # fmt: skip


@pytest.fixture
def growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a head with no CPU, whose workers Ray's fake provider starts on this machine."""
    temporary = Path(tempfile.mkdtemp(prefix="gr", dir="/tmp"))
    port = free_port()
    CLUSTER["provider"]["gcs_address"] = f"127.0.0.1:{port}"
    (tmp_path / "cluster.json").write_text(json.dumps(CLUSTER))
    for name, value in {
        "AUTOSCALER_UPDATE_INTERVAL_S": "1", "RAY_FAKE_CLUSTER": "1", "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID, "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
        "RAY_NODE_TYPE_NAME": "ray.head.default", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_TMPDIR": str(temporary),
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "7" * 64, "PYTHONPATH": str(ROOT),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    command = [RAY, "start", "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false",
               f"--ray-client-server-port={free_port()}", "--object-store-memory=80000000",
               f"--autoscaling-config={tmp_path / 'cluster.json'}"]  # fmt: skip
    node = start(command, temporary)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        stop(temporary)
        node.wait()
        end_nodes_of(temporary)
        shutil.rmtree(temporary, ignore_errors=True)


def end_nodes_of(directory: Path) -> None:
    """The fake provider leaves its nodes running when the head goes; they have its folder in their command line."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"{directory}/".encode() in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue


def workers(address: str) -> tuple[int, int]:
    """How many nodes with a CPU there are, and how many there ever were."""
    script = (
        f"import ray; ray.init('{address}', logging_level=50); nodes = ray.nodes(); "
        "print(int(ray.cluster_resources().get('CPU', 0)), len(nodes) - 1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=outside_environment(), capture_output=True, text=True, check=True
    )
    now, ever = done.stdout.split()
    return int(now), int(ever)


def test_cluster_grows_with_the_study_and_shrinks_after_it(growing: str, tmp_path: Path) -> None:
    assert workers(growing) == (0, 0)
    arguments = ["--preset", "smoke", "--address", growing, "--scale-to", "2", "0", "--results", f"{tmp_path}/results",
                 "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"]  # fmt: skip
    study = subprocess.run([sys.executable, str(ROOT / "sweeps/toy_robustness.py"), *arguments], cwd=tmp_path,
                           env=dict(os.environ), capture_output=True, text=True, check=False)  # fmt: skip
    assert study.returncode == 0, study.stdout + study.stderr
    assert workers(growing)[1] == 2
    declared = STUDY.runs(STUDY.preset("smoke"))
    rows = read_runs(str(tmp_path / "results/toy_robustness"))
    assert Counter(rows["run_key"].to_pylist()) == {run.key: 1 for run in declared}
    deadline = time.monotonic() + 600
    while workers(growing)[0] > 0:
        assert time.monotonic() < deadline, "idle workers stay"
        time.sleep(2)
