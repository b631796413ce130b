"""Drill 21: a process that folds a study's files killed before each of its steps, and at moments of the clock's."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from result_reading import read_curves, read_runs, read_samples
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY
from tests.drills.harness import ROOT, STARTED, record
from tests.sweeps.test_folding import FOLDERS, counted
from tests.sweeps.test_store import ORIGIN, of
from trainables.runs import Run

pytestmark = pytest.mark.drill
COHORTS, MANY = 4, 120


def trained(where: Path, runs: list[Run], cohorts: int) -> Path:
    """A study of these runs, as its cohorts stored them."""
    store = Store(str(where / STUDY.name))
    store.create(STUDY.name, STUDY.question)
    for n in range(cohorts):
        store.write([of(run) for run in runs[n::cohorts]], f"cohort{n:03d}", **ORIGIN)
    return where / STUDY.name


def tables(where: Path) -> list[pa.Table]:
    return [read(str(where)) for read in (read_runs, read_curves, read_samples)]


def compacting(*command: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    STARTED.append(process)
    return process


def compact(where: Path) -> str:
    """What the command prints, which must end well."""
    process = compacting("sweeps.store.compact", str(where))
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return output


def check(where: Path, before: list[pa.Table], runs: int) -> None:
    """Every run is there as it was, in one file that counts."""
    assert all(map(pa.Table.equals, tables(where), before))
    assert {name: counted(where, name) for name in FOLDERS} == dict.fromkeys(FOLDERS, runs)


def test_compaction_killed_before_each_step_and_at_any_moment_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    few = STUDY.runs(STUDY.preset("smoke"))[:8]
    small = trained(tmp_path / "small", few, COHORTS)
    before = tables(small)
    kills = 0
    for steps in range(100):
        where = tmp_path / str(steps) / STUDY.name
        shutil.copytree(small, where)
        process = compacting("tests.drills.compacting", str(where), str(steps))
        process.communicate(timeout=300)
        check(where, before, len(few))
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
        compact(where)
        check(where, before, len(few))
        assert [len(list((where / name).glob("*.parquet"))) for name in FOLDERS] == [1, 1, 1]
    assert kills == len(FOLDERS) * (COHORTS + 1)  # of each folder one file is written and four are deleted

    many = STUDY.runs(STUDY.preset("smoke", seeds=10))[: 2 * MANY]
    large = trained(tmp_path / "large", many, MANY)
    before = tables(large)
    files = [sum(1 for name in FOLDERS for _ in (large / name).glob("*.parquet"))]
    while files[-1] > len(FOLDERS):
        taken = sorted((large / "lease").glob("*.json"))
        process = compacting("sweeps.store.compact", str(large))
        while sorted((large / "lease").glob("*.json")) == taken and process.poll() is None:
            time.sleep(0.001)
        time.sleep(0.04 * len(files))  # later each time, so that there is an end
        process.kill()
        process.communicate()
        check(large, before, len(many))
        files.append(sum(1 for name in FOLDERS for _ in (large / name).glob("*.parquet")))
    compact(large)
    check(large, before, len(many))
    record(
        21, "SIGKILL of `sweeps.store.compact`, before each of its writes and deletions, and at moments of the clock's",
        "every run once in files that count, rows, curves and samples as before; given again, it ends its work",
        f"{kills} kills before {kills} steps, each given again to its end; {len(files) - 1} kills of one study of {MANY} cohorts in turn, "
        f"of whose {files[0]} files there were {', '.join(map(str, dict.fromkeys(files[1:])))} left; 0 rows lost or doubled",
        "test_compaction.py::test_compaction_killed_before_each_step_and_at_any_moment_loses_and_doubles_nothing",
    )  # fmt: skip
    assert len(files) > 4
    assert len(set(files)) > 2  # some kills came between two folders, or while one was folded
