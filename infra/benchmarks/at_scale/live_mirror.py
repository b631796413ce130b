"""How far MLflow is behind a study that trains: rows are stored at a rate, and a mirror follows them into a SQLite file.

    python -m infra.benchmarks.at_scale.live_mirror docs/paper_study /tmp/live --rate 20 --seconds 60 --mirror all --beside 2

Nothing is trained: the cohorts of a stored study are stored again, each when its runs would be finished. A run's lag is the time
from its row to its run in MLflow, finished; exemplars and means, which are written at the end, have none. Beside it processes
may compute as training does, at the priority of Ray's workers. Prints a row of a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import command_output
from infra.benchmarks.at_scale.large_study import copies
from result_manifest import MANIFEST, read_manifest
from sweeps.tracking.follower import AUTO, start_follower
from sweeps.tracking.selection import POLICIES
from sweeps.tracking.study_rows import StudyRows

POLL_SECONDS = 0.25
WORKERS = 15
"""Niceness of Ray's workers."""

FINISHED = """select tags.value from tags join runs on runs.run_uuid = tags.run_uuid
              where tags.key = 'run_key' and runs.status in ('FINISHED', 'FAILED')"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Stores cohorts at the rate while a mirror follows, and prints its lag."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.at_scale.live_mirror", description=__doc__)
    parser.add_argument("source", help="directory of a stored study")
    parser.add_argument("target", type=Path, help="a new local directory")
    parser.add_argument("--rate", type=float, default=20.0, help="runs that are stored in a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="for which rows are stored")
    parser.add_argument("--mirror", choices=POLICIES, default=AUTO, help="what is mirrored")
    parser.add_argument("--beside", type=int, default=0, help="processes that compute beside it")
    parser.add_argument("--declared", type=int, default=0, help="runs that the study is said to have")
    options = parser.parse_args(arguments)
    if options.target.exists():
        parser.error(f"target must be a new directory, got {options.target}, which is there; name another")
    study, database = options.target / "study", options.target / "mlflow.db"
    for folder in ("runs", "curves"):
        (study / folder).mkdir(parents=True)
    shutil.copyfile(Path(options.source) / MANIFEST, study / MANIFEST)
    # Made before MLflow's tables, whose making is no lag of a study that trains for more than seconds.
    follower = start_follower(str(study), f"sqlite:///{database}", options.mirror, options.declared)
    stored: dict[str, float] = {}
    ended = threading.Event()
    watch = Watch(database, ended)
    cohorts = list(_cohorts(options.source, int(options.rate * options.seconds)))
    _store(study, cohorts.pop(), stored)
    while not watch.ask("select 1 from experiments where name = ?", read_manifest(str(study)).study):
        time.sleep(POLL_SECONDS)
    begun = _processor_seconds(follower.pid)  # MLflow is loaded, its tables are made
    watching = threading.Thread(target=watch.follow)
    watching.start()
    with _computing(options.beside):
        start = time.monotonic()
        for cohort in cohorts:
            _store(study, cohort, stored)
            time.sleep(max(0.0, start + len(stored) / options.rate - time.monotonic()))
        seconds = time.monotonic() - start
    processor = _processor_seconds(follower.pid)
    result = follower.finish(600.0)
    last = time.monotonic() - start - seconds
    ended.set()
    watching.join()
    if not result.complete:
        raise SystemExit(result.message)
    rows = StudyRows(str(study), options.mirror, options.declared)
    rows.refresh()  # without exemplars, which are written at the end
    lags = [watch.seen[key] - stored[key] for key in rows.versions]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    print("| mirrored | computing beside | rows a second | runs in MLflow | lag in s: median | 95 % | greatest | "
          "ends after the last row | mirror's cores | its memory |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    middle, high, most = np.quantile(lags, [0.5, 0.95, 1.0])
    print(f"| {options.mirror} | {options.beside} | {len(stored) / seconds:.1f} | {len(lags):,} of {len(stored):,} | {middle:.1f} | "
          f"{high:.1f} | {most:.1f} | {last:.1f} s | {(processor - begun) / seconds:.2f} | {memory:.0f} MiB |")  # fmt: skip


@contextmanager
def _computing(count: int) -> Iterator[None]:
    """Runs so many processes that compute until the block is left."""
    code = f"import os; os.nice({WORKERS})\nwhile True: sum(range(100_000))"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _processor_seconds(pid: int) -> float:
    """Processor time that a process has taken by now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Times at which runs are seen in a database.

    Attributes:
        seen: run key -> that time.
    """

    def __init__(self, database: Path, ended: threading.Event) -> None:
        self.seen: dict[str, float] = {}
        self._database, self._ended = database, ended

    def follow(self) -> None:
        """Looks until the end, and once after it."""
        while not self._ended.wait(POLL_SECONDS):
            self.look()
        self.look()

    def look(self) -> None:
        """Notes finished runs that were not seen."""
        now = time.monotonic()
        self.seen = dict.fromkeys(self.ask(FINISHED), now) | self.seen

    def ask(self, query: str, *values: str) -> list[str]:
        """First column of what a query finds; nothing where it cannot be asked now."""
        if not self._database.exists():
            return []
        try:
            with closing(
                sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=5.0)
            ) as connection:
                return [first for (first, *_) in connection.execute(query, values)]
        except sqlite3.OperationalError:  # no tables yet, or it is being written
            return []


def _cohorts(source: str, rows: int) -> Iterator[dict[str, pa.Table]]:
    """Tables of one cohort after the other, of so many rows at least."""
    for tables in copies(source, rows):
        by_cohort = {
            name: table.sort_by("cohort_key") for name, table in tables.items() if name in ("runs", "curves")
        }
        for cohort in tables["runs"]["cohort_key"].unique():
            yield {
                name: table.filter(pc.equal(table["cohort_key"], cohort)) for name, table in by_cohort.items()
            }


def _store(study: Path, cohort: dict[str, pa.Table], stored: dict[str, float]) -> None:
    """Stores a cohort as training does: curves, then rows, whole or not at all."""
    key = cohort["runs"]["cohort_key"][0].as_py()
    for name in ("curves", "runs"):
        table = cohort[name] if name == "runs" else cohort[name].drop_columns(["cohort_key"])
        temporary = study / name / f".{key}.tmp"
        pq.write_table(table, temporary, compression="zstd")
        temporary.rename(study / name / f"{key}.parquet")
    now = time.monotonic()
    stored.update(dict.fromkeys(cohort["runs"]["run_key"].to_pylist(), now))


if __name__ == "__main__":
    command_output.lasting()
    main()
