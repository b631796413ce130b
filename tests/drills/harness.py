"""What drills share: drivers to be killed, their workers, what is stored afterwards, and the record of what was measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from result_reading import read_runs
from sweeps.toy_robustness import STUDY
from tests.drills.recorded import LOG, Block, blocks
from tests.sweeps.test_end_to_end import DIRECTORY, mlflow_runs

ROOT = Path(__file__).parents[2]
RECORDED: list[dict[str, Any]] = []
"""What the drill that runs has measured; `conftest` writes it with whether the drill passed."""

STARTED: list[subprocess.Popen[str]] = []
"""Drivers, to be ended after a drill that failed."""


def record(drill: int, name: str, criterion: str, measured: str, test: str) -> None:
    """Print what a drill measured, and have it added to the file of `make drills`."""
    print(f"drill {drill}, {name}: {measured} (criterion: {criterion})")
    RECORDED.append(
        {"drill": drill, "name": name, "criterion": criterion, "measured": measured, "test": test}
    )


def until(condition: Callable[[], Any], seconds: float = 1500.0) -> Any:
    """Wait for it; its value. Raises AssertionError where it does not come true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not true after {seconds:g} s: {condition}")


class Drill:
    """A study in a folder, driven by processes that are there to be killed.

    Args:
        where: working directory, results and MLflow's database.
        arguments: of the study's command.
        intervals: of `tests.drills.driver`.
    """

    def __init__(self, where: Path, *arguments: str, **intervals: float) -> None:
        where.mkdir(exist_ok=True)
        self.where, self.arguments = where, arguments
        self.results = where / DIRECTORY
        self.log = where / "trained.jsonl"
        self.tracking_uri = f"sqlite:///{where}/mlflow.db"
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environment = {
            **os.environ,
            "PYTHONPATH": path,
            "DRILL": json.dumps(intervals),
            LOG: str(self.log),
        }

    def start(self, *further: str) -> subprocess.Popen[str]:
        """A driver, in a process group of its own."""
        command = [sys.executable, "-m", "tests.drills.driver", *self.arguments, *further]
        driver = subprocess.Popen(
            [*command, "--tracking-uri", self.tracking_uri],
            cwd=self.where,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        STARTED.append(driver)
        return driver

    def finish(self, *further: str, seconds: float = 1500.0) -> str:
        """Run a driver to its end, which must be a good one; what it prints."""
        driver = self.start(*further)
        output, errors = driver.communicate(timeout=seconds)
        assert driver.returncode == 0, output + errors
        return output

    def trained(self) -> list[Block]:
        return blocks(self.log)

    def stored_rows(self) -> Counter[str]:
        """Run key -> how many rows there are in the files, before one is chosen."""
        files = sorted((self.results / "runs").glob("*.parquet"))
        return Counter(key for file in files for key in pq.read_table(file)["run_key"].to_pylist())

    def states(self) -> list[Path]:
        """States of cohorts in training."""
        return sorted((self.results / "states").glob("begun-*.pt"))

    def assert_complete(self, preset: str = "smoke", **overrides: Any) -> None:
        """One row, in one file, and one finished MLflow run of each declared run; none is left running or over."""
        declared = {run.key for run in STUDY.runs(STUDY.preset(preset, **overrides))}
        assert self.stored_rows() == dict.fromkeys(declared, 1)
        rows = read_runs(str(self.results))
        assert set(rows["outcome"].to_pylist()) <= {"COMPLETED", "DIVERGED"}
        assert mlflow_runs(self.where) == {(key, "FINISHED"): 1 for key in declared}
        assert self.states() == []


def children(*parents: int | str, name: str = "") -> list[int]:
    """Processes that these have started, whose command line matches."""
    if not parents:
        return []
    command = ["pgrep", "-P", ",".join(map(str, parents)), *(["-f", name] if name else [])]
    return [
        int(pid)
        for pid in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    ]


def workers(driver: subprocess.Popen[str]) -> list[int]:
    """Processes of trials of a driver that has started a Ray of its own."""
    return children(*children(driver.pid, name="raylet/raylet"), name="^ray::ImplicitFunc")


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
