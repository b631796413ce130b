"""Connects to the Ray cluster of a study: a local one by default, or a running one."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sweeps.planning import cores
from sweeps.planning.slots import Slots
from trainables.datasets.files import root

if TYPE_CHECKING:
    from sweeps.study.outside import Parts

OBJECT_STORE = 128 << 20
"""Bytes of a local Ray's object store: trials exchange configurations, not data."""


TRIALS_PER_GPU = 4
"""Trials that share a GPU if there are enough CPU cores: a cohort of small networks does not fill one."""

PRIVATE = {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Environment of a local Ray: it requires a fresh token and listens on the loopback interface only. Otherwise anyone who reaches
the machine could run code on it."""

WORKERS = {"MALLOC_ARENA_MAX": "1"}
"""Environment of trials. Tune gives every trial a thread, and glibc would keep freed memory for each thread."""

PRELOADED = {
    "RAY_preload_python_modules": "sweeps.execution.trial",
    "RAY_idle_worker_killing_time_threshold_ms": "60000",
}
"""Environment of a local Ray: its first workers import this module at once, and wait that many milliseconds for work."""

UNWATCHED = {
    "RAY_enable_metrics_collection": "0",
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "LOG_NAME_UPDATE_INTERVAL_S": "60",
}
"""Environment of a local Ray without metrics, and without its search for logs ten times a second: nothing reads them."""


class ClusterError(ConnectionError):
    """No Ray cluster answers at the address; the message gives the rule and the remedy."""


def connect(address: str, scale_to: tuple[int, int] | None = None, py_modules: Sequence[str] = ()) -> Slots:
    """Starts or joins Ray and returns its slots: shares of its GPUs if it has any, else CPU cores.

    Args:
        address: local, auto, or host:port.
        scale_to: CPU cores and GPUs that an autoscaled cluster may grow to; None for those that it has now.
        py_modules: names of modules or packages that a cluster's nodes get from here, as in Ray's runtime environments.

    Raises:
        ClusterError: nothing answers at `address`.
        ValueError: `scale_to` is given for a local Ray or out of bounds; or a module cannot be imported here.
    """
    if scale_to is not None:
        if address == "local":
            raise ValueError(f"--scale-to is of a cluster that grows, but --address is local; leave it out, got {scale_to}")  # fmt: skip
        if scale_to[0] < 1 or scale_to[1] < 0:
            raise ValueError(f"--scale-to must be CPU cores >= 1 and GPUs >= 0, got {scale_to[0]} {scale_to[1]}")  # fmt: skip
    modules = [_module(name) for name in py_modules]
    quiet = {"RAY_AIR_NEW_OUTPUT": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
             "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0"}  # fmt: skip
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    if address == "local" and "ray" not in sys.modules:  # it reads them when it is imported
        for name, value in PRIVATE.items():
            os.environ.setdefault(name, value)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    own = address == "local" and not ray.is_initialized()
    if not ray.is_initialized():
        if own:
            # Workers inherit it: for a runtime environment Ray would start them anew, when there is work.
            for name, value in {**WORKERS, **PRELOADED, **UNWATCHED}.items():
                os.environ.setdefault(name, value)
            try:
                # A head that died leaves its address behind, and Ray would try to join it.
                ray.init(
                    address="local",
                    num_cpus=cores.available(),
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=OBJECT_STORE,
                )
            except OSError as error:
                raise ClusterError(_not_started(error)) from error
        else:
            _reach(address)
            try:
                ray.init(
                    address=address,
                    runtime_env={"env_vars": WORKERS, **({"py_modules": modules} if modules else {})},
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise ClusterError(_unreachable(address, reason)) from error
    if scale_to is not None:
        return _slots(scale_to)
    offered = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    slots = _slots(*((int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in offered))
    return replace(slots, own=own)


def require(parts: Parts, slots: Slots) -> None:
    """Raises ValueError if a node of the cluster does not find a part: its trials would fail."""
    if slots.own or not parts:
        return
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from sweeps.study import outside

    asked = {}
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU"):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = ray.remote(num_cpus=0, scheduling_strategy=there)(outside.missing)
            asked[node["NodeManagerAddress"]] = task.remote(parts, root.named())
    for name, answer in asked.items():
        if trouble := ray.get(answer):
            raise ValueError(f"every node must have the study's parts, but {name} has not: {trouble}; "
                             "install their package there, or name their module with --py-modules; images need their files there")  # fmt: skip


def disconnect(slots: Slots) -> None:
    """Ends the Ray that was started for these slots; a cluster stays as it is."""
    if slots.own:
        import ray

        ray.shutdown()


def _slots(*nodes: tuple[int, int]) -> Slots:
    """Slots on nodes with these CPU cores and GPUs: one trial per core; with GPUs as many trials per GPU as the node has cores
    for, up to TRIALS_PER_GPU, and none on nodes without. A trial takes the same resources everywhere: those of the scarcest node.
    """
    with_gpus = [(cpus, gpus) for cpus, gpus in nodes if gpus]
    if not with_gpus:
        return Slots(max(1, sum(cpus for cpus, _ in nodes)), "cpu", {"CPU": 1.0})
    each = max(1, min(TRIALS_PER_GPU, *(cpus // gpus for cpus, gpus in with_gpus)))
    resources = {"CPU": min(1.0, *(cpus / gpus for cpus, gpus in with_gpus)), "GPU": 1.0 / each}
    return Slots(sum(gpus for _, gpus in with_gpus) * each, "cuda", resources)


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a user's module may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(
            f"--py-modules must be modules that can be imported here, but {name} cannot ({reason}); put its folder on PYTHONPATH"
        ) from error


def _reach(address: str) -> None:
    """Tries to connect before Ray does, which would try for a minute and then end the process."""
    url = urlsplit(address if "://" in address else f"//{address}")
    if address == "auto" or not url.hostname or not url.port:
        return
    try:
        socket.create_connection((url.hostname, url.port), timeout=5).close()
    except OSError as error:
        raise ClusterError(_unreachable(address, str(error))) from error


def _not_started(error: OSError) -> str:
    if "AF_UNIX" in str(error):
        cause = f"the path of its sockets, below RAY_TMPDIR or else {tempfile.gettempdir()}, is too long"
    else:
        cause = str(error)
    return (
        f"Ray must start on this machine, but cannot ({cause}); set RAY_TMPDIR to a folder with a short path in which "
        "you may write and which has room, such as /tmp/ray-of-mine"
    )


def _unreachable(address: str, reason: str) -> str:
    return (
        f"--address must be a running Ray cluster, but {address!r} cannot be reached ({reason}); "
        "start one, or leave --address out to run here"
    )
