"""The study as a user runs it: real Ray, real MLflow, real kills."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from result_reading import read_curves, read_runs
from result_schema import Outcome
from sweeps.toy_robustness import STUDY
from tests.trainables.factory import train
from trainables.runs import Run

SCRIPT = Path(__file__).parents[2] / "sweeps" / "toy_robustness.py"
SMALL = ["--preset", "smoke", "--limit", "3", "--iterations", "40"]
DIRECTORY = "results/toy_robustness"


def command(where: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(SCRIPT), *arguments, "--tracking-uri", f"sqlite:///{where}/mlflow.db"]


def study(where: Path, *arguments: str) -> str:
    """Run the study in `where` and return what it prints."""
    done = subprocess.run(command(where, *arguments), cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def signalled(
    where: Path, number: signal.Signals, cohorts: int, *arguments: str, name: str = DIRECTORY
) -> tuple[int, str]:
    """Exit code and output of a study whose driver is sent a signal once so many more cohorts are stored, or it is done."""
    runs = where / name / "runs"
    before = len(list(runs.glob("*.parquet")))
    with subprocess.Popen(
        command(where, *arguments), cwd=where, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as driver:
        while driver.poll() is None and len(list(runs.glob("*.parquet"))) < before + cohorts:
            time.sleep(0.02)
        if number == signal.SIGKILL:
            driver.kill()
        else:
            os.killpg(driver.pid, number)
        output, _ = driver.communicate()
    return driver.returncode, output


def mlflow_runs(where: Path) -> Counter[tuple[str, str]]:
    """(run key, status) of the runs in MLflow that are not deleted, read from its database."""
    query = (
        "SELECT t.value, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'run_key' "
        "WHERE r.lifecycle_stage = 'active'"
    )
    with sqlite3.connect(where / "mlflow.db") as database:
        return Counter(tuple(row) for row in database.execute(query))


def assert_complete(where: Path, declared: list[Run]) -> None:
    """One row and one finished MLflow run for each declared run, and no other."""
    rows = read_runs(str(where / DIRECTORY))
    assert sorted(rows["run_key"].to_pylist()) == sorted(run.key for run in declared)
    assert mlflow_runs(where) == {(run.key, "FINISHED"): 1 for run in declared}


def test_study_trains_mirrors_reports_continues_and_extends(tmp_path: Path) -> None:
    preset = STUDY.preset("smoke", limit=3, iterations=40)
    first = study(tmp_path, *SMALL)
    declared = STUDY.runs(preset)
    assert "6 runs declared, 0 stored, 6 to train" in first
    assert "report/report.html" in first
    assert_complete(tmp_path, declared)
    assert (tmp_path / DIRECTORY / "report" / "report.html").stat().st_size > 10_000

    rows = {row["run_key"]: row for row in read_runs(str(tmp_path / DIRECTORY)).to_pylist()}
    results, _ = train(declared[:1])  # what Ray trained in a cohort is what this process trains alone
    alone = results[declared[0].key]
    assert {name: rows[declared[0].key][name] for name in alone.metrics or {}} == alone.metrics
    assert read_curves(str(tmp_path / DIRECTORY)).num_rows == 6 * len(alone.curve)

    again = study(tmp_path, *SMALL, "--lambdas", "0.1", "1")
    assert "12 runs declared, 6 stored, 6 to train" in again
    extended = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=40, lambdas=(0.1, 1.0)))
    assert_complete(tmp_path, extended)
    kept = {row["run_key"]: row for row in read_runs(str(tmp_path / DIRECTORY)).to_pylist()}
    assert all(kept[key] == row for key, row in rows.items())


@pytest.mark.slow
def test_study_is_complete_when_its_driver_is_killed_again_and_again(tmp_path: Path) -> None:
    arguments = ["--preset", "smoke", "--iterations", "100"]
    for cohorts in (0, 1, 2):  # at its start, and in mid-study
        signalled(tmp_path, signal.SIGKILL, cohorts, *arguments)
    study(tmp_path, *arguments)
    assert_complete(tmp_path, STUDY.runs(STUDY.preset("smoke", iterations=100)))


@pytest.mark.slow
def test_search_trains_no_configuration_twice_and_loses_none_when_it_is_killed(tmp_path: Path) -> None:
    arguments = [
        "--search",
        "tpe",
        "--runs",
        "24",
        "--generation",
        "8",
        "--iterations",
        "200",
        "--algorithms",
        "alice",
    ]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    study(whole, *arguments)
    for cohorts in (1, 2):
        signalled(killed, signal.SIGKILL, cohorts, *arguments, name=f"{DIRECTORY}-search")
    output = study(killed, *arguments)
    assert "0 of 24" not in output
    tables = [read_runs(str(where / f"{DIRECTORY}-search")).to_pylist() for where in (whole, killed)]
    results = [{row["run_key"]: row["inception_score"] for row in table} for table in tables]
    assert len(tables[1]) == 24
    assert results[0] == results[1]
    assert "24 stored, 0 to train" in study(killed, *arguments)


@pytest.mark.slow
def test_study_says_how_to_continue_when_it_is_interrupted(tmp_path: Path) -> None:
    arguments = ["--preset", "smoke", "--iterations", "400"]
    code, output = signalled(tmp_path, signal.SIGINT, 1, *arguments)
    assert code == 130
    assert "give the same command again" in output
    before = read_runs(str(tmp_path / DIRECTORY)).num_rows
    assert before < 24
    assert f"{before} stored" in study(tmp_path, *arguments)
    assert_complete(tmp_path, STUDY.runs(STUDY.preset("smoke", iterations=400)))


KILL_A_WORKER = """
import os, signal, subprocess, sys, threading, time
from rich.console import Console
from sweeps.execution import tuner as execution
from sweeps.planning import cohort_plans as planning
from sweeps.execution.cluster import connect
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY

execution.CHECKPOINT_SECONDS = 0.2
slots = connect("local")
store = Store(sys.argv[1])
store.create(STUDY.name, STUDY.question)
runs = STUDY.runs(STUDY.preset("smoke", limit=1, iterations=600))

def pgrep(*arguments):
    return subprocess.run(["pgrep", *arguments], capture_output=True, text=True).stdout.split()

def kill():
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if list((__import__("pathlib").Path(sys.argv[1]) / "states").glob("begun-*.pt")):
            # Children of our raylet: not another study's on this machine.
            raylets = pgrep("-P", str(os.getpid()), "-f", "raylet/raylet")
            found = pgrep("-P", ",".join(raylets), "-f", "^ray::ImplicitFunc")
            for pid in found:
                os.kill(int(pid), signal.SIGKILL)
            print("killed", len(found), flush=True)
            return
        time.sleep(0.05)

threading.Thread(target=kill, daemon=True).start()
print("errors", execution.train(store, planning.cut(runs, 1), 0, slots, Console(quiet=True)))
"""


@pytest.mark.slow
def test_trial_whose_worker_is_killed_continues_from_its_checkpoint_to_the_same_result(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "toy_robustness"
    done = subprocess.run(
        [sys.executable, "-c", KILL_A_WORKER, str(directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "killed 1" in done.stdout
    assert "errors []" in done.stdout
    runs = STUDY.runs(STUDY.preset("smoke", limit=1, iterations=600))
    results, _ = train(runs)
    rows = {row["run_key"]: row for row in read_runs(str(directory)).to_pylist()}
    assert {row["outcome"] for row in rows.values()} == {Outcome.COMPLETED}
    for key, result in results.items():
        assert {name: rows[key][name] for name in result.metrics or {}} == result.metrics


FAIL_THEN_TRAIN = """
import sys
from rich.console import Console
from result_reading import read_runs
from sweeps.execution import tuner as execution
from sweeps.planning import cohort_plans as planning
from sweeps.execution.cluster import connect
from sweeps.planning.slots import Slots
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY

slots = connect("local")
store = Store(sys.argv[1])
store.create(STUDY.name, STUDY.question)
runs = STUDY.runs(STUDY.preset("smoke", limit=1, iterations=20))
for device in ("cuda:99", slots.device):  # a device that is not there
    todo = planning.missing(runs, store.finished())
    chosen = Slots(1, device, {"CPU": 1.0})
    print(len(execution.train(store, planning.cut(todo, 1), 0, chosen, Console(quiet=True))), len(todo))
    rows = read_runs(store.uri)
    print(rows["outcome"].to_pylist(), [bool(e) for e in rows["error"].to_pylist()])
"""


@pytest.mark.slow
def test_runs_of_a_trial_that_is_lost_are_failed_and_tried_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAIL_THEN_TRAIN, str(tmp_path / "toy_robustness")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "1 2",
        "['FAILED', 'FAILED'] [True, True]",
        "0 2",
        "['COMPLETED', 'COMPLETED'] [False, False]",
    ]


@pytest.mark.slow
def test_halving_ends_with_the_same_survivors_when_its_driver_is_killed_and_is_completed_by_the_whole_grid(
    tmp_path: Path,
) -> None:
    budget = ["--preset", "smoke", "--iterations", "240"]
    arguments = [*budget, "--halving", "3", "--allow-biased-histograms"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    output = study(whole, *arguments)
    assert "24 runs: 2 COMPLETED, 22 STOPPED" in output
    assert output.count("best ") == 2
    for cohorts in (1, 1):
        signalled(killed, signal.SIGKILL, cohorts, *arguments)
    study(killed, *arguments)
    tables = [read_runs(str(where / DIRECTORY)).to_pylist() for where in (whole, killed)]
    names = ("run_key", "outcome", "iterations", "inception_score", "mse_x")
    assert [[row[name] for name in names] for row in tables[0]] == [
        [row[name] for name in names] for row in tables[1]
    ]
    assert list((killed / DIRECTORY / "states").iterdir()) == []
    assert "24 stored, 0 to train" in study(killed, *arguments)
    study(killed, *budget)
    assert_complete(killed, STUDY.runs(STUDY.preset("smoke", iterations=240)))
    assert {row["outcome"] for row in read_runs(str(killed / DIRECTORY)).to_pylist()} == {"COMPLETED"}


@pytest.mark.slow
def test_study_that_trains_until_it_is_decided_ends_where_it_would_have_when_its_driver_is_killed(
    tmp_path: Path,
) -> None:
    arguments = ["--preset", "smoke", "--iterations", "60", "--limit", "64", "--until", "decided"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    output = study(whole, *arguments)
    for cohorts in (1, 8):
        signalled(killed, signal.SIGKILL, cohorts, *arguments)
    study(killed, *arguments)
    tables = [read_runs(str(where / DIRECTORY)).to_pylist() for where in (whole, killed)]
    results = [{row["run_key"]: row["inception_score"] for row in table} for table in tables]
    assert results[0] == results[1]
    ended = output[output.index("look ") :].splitlines()[1:]  # after the report's place
    again = study(killed, *arguments)
    assert "0 to train" in again
    assert again[again.index("look ") :].splitlines()[1:] == ended
    verdicts = (killed / DIRECTORY / "report" / "summary.md").read_text()
    for line in (line for line in ended if line.startswith(("decided", "open"))):
        assert line.rpartition(", ")[2].rstrip("]") in verdicts  # the report's interval is the look's
