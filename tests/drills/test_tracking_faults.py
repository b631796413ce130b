"""Drills 9 and 10: a tracking server that is gone for a while, and many that write at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps.toy_robustness import STUDY
from sweeps.tracking.mlflow_store import ExperimentStore
from sweeps.tracking.ui import serve
from tests.drills.harness import ROOT, Drill, children, record, until
from tests.drills.recorded import Block
from tests.sweeps.test_end_to_end import mlflow_runs
from tests.sweeps.test_ui import free_port

pytestmark = pytest.mark.drill
OUTAGE_SECONDS = float(os.environ.get("DRILL_OUTAGE_SECONDS", "90"))
OF = {"limit": 1, "seeds": 6, "iterations": int(1_300 * OUTAGE_SECONDS)}
"""Two equal cohorts, side by side from beginning to end: what one trains beside does not change when the server goes."""

WITH_SECONDS = 15.0
"""Time that they train while the server is there."""

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def test_tracking_server_gone_for_a_while(tmp_path: Path) -> None:
    port, database = free_port(), f"sqlite:///{tmp_path}/mlflow.db"
    ExperimentStore(database, STUDY.name)
    size = [word for name, value in OF.items() for word in (f"--{name}", str(value))]
    drill = Drill(tmp_path, "--preset", "smoke", *size, mirror_seconds=5.0)
    drill.tracking_uri = f"http://127.0.0.1:{port}"
    with serve(database, port):
        drill.finish("--seeds", "1")  # two of the runs are in MLflow when the server goes
        earlier = len(drill.trained())
        driver = drill.start()
        until(lambda: len({block.runs for block in drill.trained()[earlier:]}) == 2)
        time.sleep(WITH_SECONDS)
    gone = time.time()
    (mirror,) = children(driver.pid, name="sweeps.tracking.mirror")
    spent, since = cpu_seconds(mirror), time.time()
    share = 0.0
    while driver.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            share = (cpu_seconds(mirror) - spent) / (time.time() - since)
        time.sleep(0.5)
    output, errors = driver.communicate()
    assert driver.returncode == 0, output + errors
    assert "12 of 12 runs" in output
    assert "mirror" in output
    time.sleep(max(0.0, OUTAGE_SECONDS - (time.time() - gone)))
    outage, before = time.time() - gone, sum(mlflow_runs(tmp_path).values())
    command = [
        sys.executable,
        "-m",
        "sweeps.tracking.mirror",
        str(drill.results),
        "--tracking-uri",
        drill.tracking_uri,
    ]
    with serve(database, port):
        replays = [
            subprocess.run(command, env=drill.environment, capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        ]
    drill.assert_complete(**OF)
    # The lower quartile of a block's time before and during, while both train: other load only adds to it.
    cohorts: dict[tuple[str, ...], list[Block]] = {}
    for block in drill.trained()[earlier:]:
        cohorts.setdefault(block.runs, []).append(block)
    first, last = (
        max(own[0].started for own in cohorts.values()),
        min(own[-1].ended for own in cohorts.values()),
    )
    ratios = []
    for own in cohorts.values():
        with_server = [b.ended - b.started for b in own if first < b.started and b.ended < gone]
        without = [b.ended - b.started for b in own if gone < b.started and b.ended < last]
        ratios.append(statistics.quantiles(without)[0] / statistics.quantiles(with_server)[0])
    slower, in_outage = statistics.mean(ratios), last - gone
    record(
        9, f"Tracking server gone for {outage / 60:.1f} minutes",
        "training slows <= 5 %, nothing lost, replay adds nothing twice",
        f"in {in_outage:.0f} s of training a block takes {slower:.3f} of its time before, the mirror {share:.1%} of a core; {before} of 12 runs before, "
        f"12 after the replay, {replays[1].split(',')[0].strip()} by a second one",
        "test_tracking_faults.py::test_tracking_server_gone_for_a_while",
    )  # fmt: skip
    assert before == 2
    assert replays[0].startswith("mirrored: 10 written, 12 runs")
    assert replays[1].startswith("mirrored: 0 written, 12 runs")
    assert outage >= OUTAGE_SECONDS
    assert in_outage >= OUTAGE_SECONDS / 5
    assert share <= 0.05
    assert slower <= 1.05


WRITERS = """
import sys, threading
from sweeps.tracking.mlflow_store import ExperimentStore, RunContent
uri, process, errors = sys.argv[1], int(sys.argv[2]), []
def write(n):
    try:
        metrics = [("mse_x", float(step), 1_000 + step, step) for step in range(1_000)]
        ExperimentStore(uri, "writers").write(
            RunContent(f"{process}-{n}", 0, 1, "FINISHED", {"n": str(n)}, metrics, {"run_key": f"{process}-{n}"}))
    except Exception as error:
        errors.append(error)
threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
sys.exit("; ".join(map(str, errors)) or 0)
"""


def test_sixty_four_writers_of_a_thousand_metrics(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    started = time.monotonic()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITERS, uri, str(n)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        )
        for n in range(8)
    ]  # fmt: skip
    errors = [process.communicate(timeout=1500)[1] for process in processes]
    seconds = time.monotonic() - started
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        per_run = database.execute(
            "SELECT t.value, count(*), count(DISTINCT m.step) FROM metrics m JOIN tags t "
            "ON t.run_uuid = m.run_uuid AND t.key = 'run_key' GROUP BY t.value"
        ).fetchall()
        finished = database.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'").fetchone()[0]
    failed = sum(process.returncode != 0 for process in processes)
    record(
        10, "64 writers of 1,000 metrics each", "exact count, no lock error surfaces",
        f"{sum(count for _, count, _ in per_run):,} metrics of {finished} runs, {failed} errors, {seconds:.0f} s",
        "test_tracking_faults.py::test_sixty_four_writers_of_a_thousand_metrics",
    )  # fmt: skip
    assert failed == 0, errors
    assert finished == 64
    assert sorted(per_run) == sorted((f"{p}-{n}", 1_000, 1_000) for p in range(8) for n in range(8))
