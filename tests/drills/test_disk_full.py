"""Drill 11: the disk fills up while cohorts keep their states and write their rows."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from result_reading import read_runs
from tests.drills.harness import Drill, record, until
from trainables.engine import checkpoint

pytestmark = pytest.mark.drill
STUDY = ("--preset", "smoke", "--limit", "4", "--iterations", "1000")


@contextlib.contextmanager
def small_disk(where: Path, megabytes: int) -> Iterator[None]:
    """A filesystem of so many megabytes."""
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "drill", str(where)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small filesystem can be mounted by root alone")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(where: Path) -> Path:
    """A file that leaves no byte."""
    ballast = where / "ballast"
    with ballast.open("ab", buffering=0) as stream:
        for size in (1 << 16, 1 << 10, 1):
            with contextlib.suppress(OSError):
                while stream.write(b"\0" * size):
                    pass
    return ballast


def test_disk_full_while_states_and_rows_are_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, 32):
        drill = Drill(tmp_path, *STUDY, "--results", str(disk), checkpoint_seconds=0.5)
        drill.results = disk / "toy_robustness"
        driver = drill.start()
        lines: list[str] = []
        assert driver.stdout is not None
        threading.Thread(target=lambda: lines.extend(iter(driver.stdout.readline, "")), daemon=True).start()
        until(lambda: drill.states())
        ballast = fill(disk)
        kept = [checkpoint.read(state.read_bytes())["iteration"] for state in drill.states()]
        rows = read_runs(str(drill.results)).num_rows
        until(lambda: any("state of training cannot be kept" in line for line in lines))
        until(lambda: any("results wait to be written" in line for line in lines))
        after = [checkpoint.read(state.read_bytes())["iteration"] for state in drill.states()]
        assert read_runs(str(drill.results)).num_rows == rows
        assert os.statvfs(disk).f_bavail == 0
        assert driver.poll() is None
        ballast.unlink()
        assert driver.wait(1500) == 0, lines
        drill.assert_complete(limit=4, iterations=1000)
        leftovers = list(drill.results.rglob("*.tmp"))
    record(
        11, "Disk full during a row write and during a checkpoint",
        "the previous one loads, the study continues once space is there",
        f"states at iterations {', '.join(map(str, after))} load, {rows} rows read while it is full; the same driver goes on "
        f"when there is room: 8 of 8 runs, {len(leftovers)} files left over",
        "test_disk_full.py::test_disk_full_while_states_and_rows_are_written",
    )  # fmt: skip
    assert after == kept
    assert leftovers == []
