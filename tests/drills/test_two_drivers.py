"""Drills 5 and 6: two drivers on one study, and one that comes back from the dead."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.drills.harness import Drill, alive, record, until, workers
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.drill
STUDY = ("--preset", "smoke", "--limit", "4", "--iterations", "1000")
OF = {"limit": 4, "iterations": 1000}


def test_second_driver_is_told_who_is_at_work(tmp_path: Path) -> None:
    drill = Drill(tmp_path, *STUDY)
    drivers = [drill.start(), drill.start()]  # at once: neither finds the other's lease when it looks first
    loser = until(lambda: next((d for d in drivers if d.poll() is not None), None))
    (winner,) = (d for d in drivers if d is not loser)
    _, words = loser.communicate()
    assert loser.returncode == 2
    assert words.count("\n") == 1
    assert re.match(
        rf"error: .* is held by process {winner.pid} on \S+, whose lease lasts until \d\d:\d\d:\d\d UTC",
        words,
    )

    until(lambda: drill.trained())
    started = time.monotonic()
    third = drill.start()
    _, words = third.communicate(timeout=1200)
    refused = time.monotonic() - started
    assert third.returncode == 2
    assert f"process {winner.pid}" in words
    output, errors = winner.communicate(timeout=1500)
    assert winner.returncode == 0, output + errors
    drill.assert_complete(**OF)
    assert "8 stored, 0 to train" in drill.finish()  # and the lease is free
    record(
        5, "Two drivers on one study", "one works, the other says who holds it; 0 doubled",
        f"exit code 2 with one line that names process and expiry, after {refused:.1f} s; 0 of 8 rows doubled",
        "test_two_drivers.py::test_second_driver_is_told_who_is_at_work",
    )  # fmt: skip


def test_driver_and_worker_frozen_past_their_lease_write_nothing_more(tmp_path: Path) -> None:
    drill = Drill(tmp_path, *STUDY, checkpoint_seconds=1.0, lease_seconds=8.0)
    frozen = drill.start()
    until(lambda: drill.states())
    own = workers(frozen)
    _freeze(drill, (frozen.pid, *own))
    try:
        stopped_at, before = time.time(), drill.stored_rows()
        started = time.monotonic()
        until(lambda: "held by" not in _attempt(drill))
        taken_over = time.monotonic() - started
        # The frozen driver's mirror is not frozen, and keeps the work to itself.
        until(lambda: len(mlflow_runs(tmp_path)) == 8)
        drill.assert_complete(**OF)
        files = {file: file.stat().st_mtime_ns for file in drill.results.rglob("*.p*")}
    finally:
        for pid in (*own, frozen.pid):
            if alive(pid):
                os.kill(pid, signal.SIGCONT)
    output, words = frozen.communicate(timeout=1500)
    late = [b for b in drill.trained() if b.started <= stopped_at < b.ended and b.ended - stopped_at > 8.0]
    assert frozen.returncode == 2, output + words
    assert words.count("\n") == 1
    assert "another driver has taken it" in words
    assert {file: file.stat().st_mtime_ns for file in drill.results.rglob("*.p*")} == files
    drill.assert_complete(**OF)
    record(
        6, "Worker and driver frozen past the lease, then continued",
        "late results fenced off, one row per run",
        f"frozen for {time.time() - stopped_at:.0f} s at a lease of 8 s, taken over and finished by another driver in "
        f"{taken_over:.0f} s; {len(late)} late blocks of {len(own)} workers, 0 files written by them, "
        f"8 of 8 runs with one row ({sum(before.values())} before)",
        "test_two_drivers.py::test_driver_and_worker_frozen_past_their_lease_write_nothing_more",
    )  # fmt: skip
    assert late


def _freeze(drill: Drill, processes: Sequence[int]) -> None:
    """Stops processes, none of them in the middle of a file: the last step of one that was begun under the lease is allowed."""
    while True:
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        if not any(drill.results.rglob("*.tmp")):
            return
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)


def _attempt(drill: Drill) -> str:
    driver = drill.start()
    _, errors = driver.communicate(timeout=1500)
    assert driver.returncode == 0 or "held by" in errors, errors
    return errors
