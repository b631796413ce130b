"""A study continued after a loss or its data changed: old rows are kept, named, and not counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from result_reading import read_runs
from sweeps.cli import ending, study_command
from sweeps.cli.reporting import Reported
from sweeps.execution import tuner
from sweeps.planning.cohort_plans import CohortPlan
from sweeps.planning.slots import Slots
from sweeps.store.lease import Lease
from sweeps.store.store import Store
from sweeps.store.superseded import words
from sweeps.toy_robustness import STUDY
from sweeps.tracking.follower import MirrorResult
from trainables import datasets, objectives
from trainables.engine import ahead
from trainables.engine.training import Result
from trainables.runs import Run

SMOKE = ["--preset", "smoke", "--limit", "3"]
ORIGIN: dict[str, Any] = {"device": "cpu", "git_commit": "", "versions": {}, "started_at": datetime.now(UTC)}
KEPT = "3 stored runs are of other versions and not counted: 3 of alice, version 1 (now 2)"


def write(store: Store, runs: Sequence[Run], name: str) -> None:
    """Rows of runs, as if they had been trained."""
    no_points = np.zeros((0, 2), np.float32)
    store.write(
        [Result(run, None, run.budget, {"mse_x": 0.5}, [], no_points, 1.0) for run in runs], name, **ORIGIN
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three runs of each of two algorithms, the loss of one of which has changed since."""
    store = Store(str(tmp_path / STUDY.name))
    store.create(STUDY.name, STUDY.question)
    write(store, STUDY.runs(STUDY.preset("smoke", limit=3)), "old")
    return store


@pytest.fixture
def changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(type(objectives.find("alice")), "version", 2)
    return store


class Quiet:
    """Stands for a report and for a mirror in the making."""

    def __init__(self, *_: object) -> None:
        pass

    def finish(self, patience: float = 0.0) -> MirrorResult | Reported:
        return MirrorResult(True, "mirrored") if patience else Reported()


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that a study trains, whose rows are written at once."""
    trained: list[Run] = []

    def train(store: Store, plans: Sequence[CohortPlan], *_: object) -> list[str]:
        trained.extend(run for plan in plans for run in plan.runs)
        write(store, trained, "new")
        return []

    monkeypatch.setattr(tuner, "train", train)
    monkeypatch.setattr(ahead, "compile_ahead", lambda examples: None)
    monkeypatch.setattr(study_command, "connect", lambda *_: Slots(1, "cpu", {"CPU": 1.0}))
    monkeypatch.setattr(ending, "disconnect", lambda slots: None)
    monkeypatch.setattr(ending, "Reporting", Quiet)
    monkeypatch.setattr(ending, "start_follower", Quiet)
    return trained


def output_of(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str, code: int = 0) -> str:
    """What the small study prints."""
    results = Path(store.path).parent
    where = ["--results", str(results), "--tracking-uri", f"sqlite:///{results}/mlflow.db"]
    with pytest.raises(SystemExit) as end:
        study_command.main(STUDY, [*SMOKE, *where, *arguments])
    assert end.value.code == code
    return capsys.readouterr().out


def test_nothing_is_said_where_all_is_of_the_version_that_is_here(store: Store) -> None:
    assert words(store, STUDY.algorithms, "mixture5") == ""


def test_runs_of_another_version_are_told_by_system(changed: Store) -> None:
    assert words(changed, STUDY.algorithms, "mixture5") == KEPT
    assert words(changed, ["svae_r"], "mixture5") == ""  # of a system that is not trained now nothing is said


def test_runs_on_other_data_are_told_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(datasets.find("mixture5")), "version", "mixture5-v2")
    assert words(store, STUDY.algorithms, "mixture5") == (
        "6 stored runs are of other versions and not counted: 6 on mixture5-v1 (now mixture5-v2)"
    )


def test_dry_run_counts_none_of_an_earlier_version_and_says_so(
    changed: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    output = output_of(capsys, changed, "--dry-run")
    assert f"runs      6 declared, 3 stored, 3 to train\nkept      {KEPT}\n" in output


def test_study_continued_after_a_loss_changed_trains_the_new_version_and_keeps_the_old_rows(
    changed: Store, trained: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_runs(changed.uri).to_pylist()
    output = output_of(capsys, changed)
    assert f"6 runs declared, 3 stored, 3 to train\nkept      {KEPT}\n" in output
    assert "stored    6 of 6 runs: 6 COMPLETED" in output
    assert [(run.algorithm, run.version) for run in trained] == [("alice", 2)] * 3
    rows = {row["run_key"]: row for row in read_runs(changed.uri).to_pylist()}
    assert len(rows) == 9
    assert all(rows[row["run_key"]] == row for row in before)
    assert "6 runs declared, 6 stored, 0 to train" in output_of(capsys, changed)


def test_study_that_is_stopped_counts_none_of_an_earlier_version(
    changed: Store, trained: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(store: Store, *_: object) -> list[str]:
        assert isinstance(store.token, Lease)
        store.token.stopping.set()
        return []

    monkeypatch.setattr(tuner, "train", stop)
    output = output_of(capsys, changed, code=ending.TERMINATED)
    assert "stopped   3 runs are finished" in output  # of 6 stored ones


def test_report_without_a_section_is_there_and_says_which_is_missing(
    store: Store, trained: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = (
        "The section failing (my_lab.sections:Failing) could not be made: ZeroDivisionError: division by zero"
    )
    monkeypatch.setattr(Quiet, "finish", lambda self, patience=0.0: MirrorResult(True, "mirrored") if patience else Reported(failures=(line,)))  # fmt: skip
    output = output_of(capsys, store, code=1)
    assert f"report    {store.uri}/report/report.html\n" in output
    assert (
        f"missing   {line}; the report has all else; try: python -m analysis.report {store.uri}\n" in output
    )
