"""Drills 1, 2 and 12: drivers and workers killed at random moments, and asked to end."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from result_reading import read_runs
from tests.drills.harness import Drill, record, until, workers
from tests.drills.recorded import redone

pytestmark = pytest.mark.drill
OF = {"limit": 6, "iterations": 2000}
RUNS = 12
STUDY = ("--preset", "smoke", "--limit", "6", "--iterations", "2000")
LONGER = ("--preset", "smoke", "--limit", "8", "--iterations", "2200")


def test_driver_killed_at_ten_random_moments(tmp_path: Path) -> None:
    interval, draw = 2.0, random.Random(1)
    drill = Drill(tmp_path, *STUDY, checkpoint_seconds=interval)
    begun = 0
    for kill in range(10):
        driver, before = drill.start(), len(drill.trained())
        if kill % 2:  # while it trains, and else while it starts
            until(
                lambda driver=driver, before=before: (
                    len(drill.trained()) > before or driver.poll() is not None
                )
            )
            time.sleep(draw.uniform(0.5, 6.0))
        else:
            time.sleep(draw.uniform(0.0, 8.0))
        begun += len(drill.states())
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    drill.finish()
    drill.assert_complete(**OF)
    trained = drill.trained()
    seconds = max(redone(trained).values(), default=0.0)
    # A state is due at the first end of a block after the interval.
    longest = max(block.ended - block.started for block in trained)
    share = sum(redone(trained).values()) / sum((b.ended - b.started) * len(b.runs) for b in trained)
    record(
        1, "SIGKILL of the driver at 10 random moments",
        "all runs terminal, one row and one MLflow run each, 0 RUNNING, at most one checkpoint interval redone",
        f"{RUNS} of {RUNS} runs, one row and one MLflow run each, 0 RUNNING; at most {seconds:.1f} s redone at an interval of "
        f"{interval:g} s and blocks of up to {longest:.1f} s; {share:.0%} of all training",
        "test_kills.py::test_driver_killed_at_ten_random_moments",
    )  # fmt: skip
    assert begun > 0
    assert seconds <= interval + 2 * longest


def test_workers_killed_now_and_then(tmp_path: Path) -> None:
    clean, killed = (
        Drill(tmp_path / "clean", *LONGER),
        Drill(tmp_path / "killed", *LONGER, checkpoint_seconds=5.0),
    )
    started = time.monotonic()
    clean.finish()
    undisturbed = time.monotonic() - started

    # Of the seeds, one that kills within the study's minute: p = 0.03 per worker and 10 s spares most minutes.
    draw = random.Random(next(s for s in range(1000) if _kills(s, draws=6) == 2))
    victims: list[int] = []
    over = threading.Event()

    def strike() -> None:
        while not over.wait(10.0):
            for pid in workers(driver):
                if draw.random() < 0.03:
                    os.kill(pid, signal.SIGKILL)
                    victims.append(pid)

    started = time.monotonic()
    driver = killed.start()
    threading.Thread(target=strike, daemon=True).start()
    output, errors = driver.communicate(timeout=1500)
    disturbed = time.monotonic() - started
    over.set()
    assert driver.returncode == 0, output + errors
    killed.assert_complete(limit=8, iterations=2200)
    record(
        2, "Workers killed at p = 0.03 every 10 s", "complete, wall time <= 1.5 of clean",
        f"16 of 16 runs after {len(victims)} kills, {disturbed:.0f} s and {undisturbed:.0f} s clean: {disturbed / undisturbed:.2f}",
        "test_kills.py::test_workers_killed_now_and_then",
    )  # fmt: skip
    assert victims
    assert disturbed <= 1.5 * undisturbed


def _kills(seed: int, draws: int) -> int:
    draw = random.Random(seed)
    return sum(draw.random() < 0.03 for _ in range(draws))


def test_sigterm_keeps_what_is_in_training(tmp_path: Path) -> None:
    drill = Drill(tmp_path, *STUDY, checkpoint_seconds=1e9)  # no state but what SIGTERM asks for
    driver = drill.start()
    until(lambda: len(drill.trained()) > 20)
    started = time.monotonic()
    driver.send_signal(signal.SIGTERM)
    output, errors = driver.communicate(timeout=1200)
    grace = time.monotonic() - started
    assert driver.returncode == 143, output + errors
    finished, states = read_runs(str(drill.results)).num_rows, len(drill.states())
    in_training = {run for block in drill.trained() for run in block.runs if block.until < 2000}
    assert finished < RUNS
    assert states >= 1
    drill.finish()
    drill.assert_complete(**OF)
    again = redone(drill.trained())
    record(
        12, "SIGTERM with 30 s grace", "checkpointed within 30 s, outcome pending, continues from there",
        f"{states} cohorts kept in {grace:.1f} s, {RUNS - finished} of {RUNS} runs pending; {len(again)} blocks trained twice",
        "test_kills.py::test_sigterm_keeps_what_is_in_training",
    )  # fmt: skip
    assert in_training
    assert grace <= 30.0
    assert again == {}
