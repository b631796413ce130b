"""`make bench-search`, first part: the embedded study whole, and halved by each search metric, one after the other.

Everything is trained, by the command line that users have, in one go on this machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import command_output
from result_metrics import LARGER, VERSION_1
from result_reading import read_runs
from result_schema import METRICS, Outcome
from sweeps import toy_robustness
from sweeps.toy_robustness import STUDY

FACTOR = 4
Rows = Mapping[str, Mapping[str, Any]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.halving", description=__doc__)
    parser.add_argument(
        "directory", type=Path, help="a new folder for the studies; the whole grid goes to grid/"
    )
    directory: Path = parser.parse_args(arguments).directory
    if directory.exists():
        parser.error(f"directory must be a new one, got {directory}; remove it or choose another")
    grid, seconds = study(directory / "grid")
    print(f"The whole grid took {seconds:.0f} s.\n")
    print("| system | metric | device-seconds of the grid's | wall time of the grid's | best configuration's place in the grid | "
          "survivors equal to the bit |")  # fmt: skip
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for metric in reversed(STUDY.headline):
        options = ("--halving", str(FACTOR), "--allow-biased-histograms", "--metrics", metric)
        halved, wall = study(directory / metric, *options)
        for algorithm in STUDY.algorithms:
            share = spent(halved, algorithm) / spent(grid, algorithm)
            ended = [row for row in ranked(halved, algorithm, metric) if row["outcome"] == Outcome.COMPLETED]
            order = [row["run_key"] for row in ranked(grid, algorithm, metric)]
            place = order.index(ended[0]["run_key"]) + 1
            equal = sum(all(row[m] == grid[row["run_key"]][m] for m in METRICS) for row in ended)
            print(f"| {algorithm} | {metric} | {share:.1%} | {wall / seconds:.0%} | {place} of {len(order)} | "
                  f"{equal} of {len(ended)} |", flush=True)  # fmt: skip


def study(directory: Path, *options: str) -> tuple[Rows, float]:
    """Run the study in a folder: its rows by run key, and the wall time of everything."""
    directory.mkdir(parents=True)
    command = [sys.executable, toy_robustness.__file__, "--results", str(directory), "--tracking-uri",
               f"sqlite:///{directory.resolve()}/mlflow.db", *options]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    rows = read_runs(str(directory / STUDY.name)).to_pylist()
    return {row["run_key"]: row for row in rows}, wall


def spent(rows: Rows, algorithm: str) -> float:
    """Device-seconds of an algorithm's runs."""
    return sum(row["train_seconds"] for row in rows.values() if row["algorithm"] == algorithm)


def ranked(rows: Rows, algorithm: str, metric: str) -> list[Mapping[str, Any]]:
    """An algorithm's runs that have the metric, the best first."""
    better = {known.name: known.better for known in VERSION_1}
    own = [row for row in rows.values() if row["algorithm"] == algorithm and row[metric] is not None]
    return sorted(own, key=lambda row: row[metric], reverse=better[metric] == LARGER)


if __name__ == "__main__":
    command_output.lasting()
    main()
