"""Cores are counted as this process may use them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.planning import cores

V1 = {"cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "100000\n"}
NONE = {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2.5),
        # A group is limited by those above it, too.
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "300000 100000\n"}, 3.0),
        # Outside, the container's group is called so; inside, it is the root.
        ("0::/../docker/abc\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n", {f"cpu/x/{n}": v for n, v in V1.items()}, 1.5),
        ("2:cpuacct,cpu:/docker/abc\n", {f"cpu/{n}": v for n, v in V1.items()}, 1.5),
        ("2:cpu:/\n", {f"cpu/{n}": v for n, v in NONE.items()}, math.inf),
        ("2:cpuacct:/\n", {f"cpu/{n}": v for n, v in V1.items()}, math.inf),
        ("0::/\n", {"cpu.max": "what?\n"}, math.inf),
        ("0::/\n", {}, math.inf),
        (None, {}, math.inf),
    ],
)
def test_quota_is_that_of_the_control_groups(
    membership: str | None,
    files: dict[str, str],
    expected: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(cores, "GROUPS", tmp_path / "groups")
    if membership is not None:
        (tmp_path / "membership").write_text(membership)
    for name, content in files.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert cores.quota() == expected


@pytest.mark.parametrize(
    ("quota", "expected"), [(0.5, 1), (1.5, 1), (2.0, 2), (3.9, 3), (math.inf, 4), (9.0, 4)]
)
def test_cores_are_those_of_the_affinity_and_of_the_quota(
    quota: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 3, 5, 7}, raising=False)
    monkeypatch.setattr(cores, "quota", lambda: quota)
    assert cores.available() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to cores here")
def test_a_process_bound_to_one_core_has_one() -> None:
    first = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{first}]); from sweeps.planning import cores; print(cores.available())"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_nothing_else_counts_cores() -> None:
    root = Path(__file__).parents[2]
    files = [
        file for name in ("sweeps", "trainables", "analysis", "infra") for file in (root / name).rglob("*.py")
    ]
    counting = {file.name for file in files if "cpu_count" in file.read_text()}
    assert counting == {"cores.py", "power.py"}  # the latter of the machine, whose energy counters are read
