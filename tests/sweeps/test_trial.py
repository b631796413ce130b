"""A trial: its cohort in parts where memory asks for it, stored as they finish, continued where it was."""

from __future__ import annotations

import errno
import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from result_reading import read_curves, read_runs, read_samples
from result_schema import UTILISATION
from sweeps.execution import resume, trial
from sweeps.execution.machine import power, utilisation
from sweeps.execution.progress import StudyProgress
from sweeps.planning.cohort_plans import CohortPlan, Segment
from sweeps.planning.slots import Slots
from sweeps.store.lease import Lease, take
from sweeps.store.store import Store
from tests.trainables.factory import different_runs, run, train
from trainables import configurations
from trainables.engine import checkpoint
from trainables.engine.machine import memory
from trainables.engine.native import build
from trainables.engine.training import Result, Training

RUNS = tuple(different_runs(budget=60))
PLAN = CohortPlan(RUNS, 0, len(RUNS), 8.0)


class FakeTune:
    """What a trial sees of Tune. Ends the trial after `patience` reports, as a node that is lost does."""

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.reports: list[dict[str, Any]] = []

    def report(self, values: dict[str, Any]) -> None:
        self.reports.append(values)
        if self.patience is not None:
            self.patience -= 1
            if not self.patience:
                raise KeyboardInterrupt("the node is lost")


class Small(Training):
    """A training on a device that holds at most `most` members; remembers what was begun."""

    most = 3
    error: RuntimeError = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
    begun: list[int]

    def advance(self) -> None:
        if self.iteration == 20 and len(self.runs) > self.most:
            raise self.error
        super().advance()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> type[Small]:
    class OfThisTest(Small):
        begun: list[int] = []  # noqa: RUF012

        def __init__(self, runs: Any, *arguments: Any) -> None:
            self.begun.append(len(runs))
            super().__init__(runs, *arguments)

    monkeypatch.setattr(trial, "Training", OfThisTest)
    return OfThisTest


def train_plan(
    directory: Path,
    tune: FakeTune,
    monkeypatch: pytest.MonkeyPatch,
    every: float = 1e9,
    plan: CohortPlan | None = None,
    full: float = 0.0,
    lease: str | None = None,
) -> None:
    """The trial of a plan, PLAN unless told, with a checkpoint at least every so many seconds."""
    store = Store(str(directory))
    store.create("test", "?", hyper_parameters=configurations.among({"weight_decay": ()}))
    monkeypatch.setattr(trial, "tune", tune)
    settings = {
        "directory": str(directory), "device": "cpu", "slots": 1, "share": 1.0, "checkpoint_seconds": every,
        "progress_seconds": 0.0, "metrics": None, "keep": "none", "git_commit": "abc", "versions": {}, "full_seconds": full, "lease": lease, "data_dir": None, "features": None, "sampler": "grid",
    }  # fmt: skip
    if plan:
        trial.train_cohort(trial.planned(plan), {}, settings)
    else:
        trial.train_cohort({"cohort": PLAN.key}, {PLAN.key: PLAN}, settings)


@functools.cache
def expected_results() -> dict[str, Result]:
    return train(list(RUNS))[0]


def assert_stored(directory: Path) -> None:
    """Every member has its row, with the result it has in one cohort."""
    expected = expected_results()
    rows = {row["run_key"]: row for row in read_runs(str(directory)).to_pylist()}
    assert rows.keys() == expected.keys()
    for key, result in expected.items():
        assert {name: rows[key][name] for name in result.metrics or {}} == result.metrics


@pytest.mark.parametrize(
    "error",
    [Small.error, RuntimeError("CUDA error: out of memory"), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")],
)
def test_cohort_is_halved_until_it_fits_and_nothing_is_trained_twice(
    error: RuntimeError, small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.error = error
    tune = FakeTune()
    train_plan(tmp_path / "test", tune, monkeypatch)
    assert small.begun == [8, 4, 2, 2, 4, 2, 2]
    assert_stored(tmp_path / "test")
    assert {row["cohort_size"] for row in read_runs(str(tmp_path / "test")).to_pylist()} == {2}
    assert tune.reports[-1] == {"iteration": 60, "diverged": 0, "stored": 8}
    # Iterations of the whole cohort: 20 before 8 do not fit, 20 · 4/8 before 4 do not, then 20 and 40 · 2/8, …
    iterations = [report["iteration"] for report in tune.reports]
    assert iterations == [20, 10, 5, 10, 20, 25, 40, 35, 40, 50, 55, 60]


@pytest.mark.parametrize("known", [True, False])
def test_rows_have_the_energy_of_their_time_where_the_machine_tells_it(
    known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "packages", lambda: (lambda: 6.0) if known else None)
    train_plan(tmp_path / "test", FakeTune(), monkeypatch)
    rows = read_runs(str(tmp_path / "test"), ["train_seconds", "energy_joules", "device_share"]).to_pylist()
    assert {row["device_share"] for row in rows} == {1.0}  # a core, whatever a GPU's part
    if known:
        powers = {round(row["energy_joules"] / row["train_seconds"], 9) for row in rows}
        assert len(powers) == 1  # of one cohort
        assert min(powers) > 0
    else:
        assert {row["energy_joules"] for row in rows} == {None}


def test_rows_have_how_much_of_the_machine_was_used_while_they_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utilisation, "processors", lambda: lambda: {utilisation.CPU: 50.0})
    train_plan(tmp_path / "test", FakeTune(), monkeypatch)
    rows = read_runs(str(tmp_path / "test"), list(UTILISATION)).to_pylist()
    assert len(rows) == len(RUNS)
    for row in rows:
        assert row.pop(utilisation.CPU) == pytest.approx(50.0)
        assert set(row.values()) == {None}  # what is not told is unknown


def test_a_single_member_that_does_not_fit_is_the_trials_error_and_the_rest_is_stored(
    small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = RUNS[5].key

    def advance(self: Training) -> None:
        if large in [r.key for r in self.runs]:
            raise Small.error
        Training.advance(self)

    monkeypatch.setattr(small, "advance", advance)
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        train_plan(tmp_path / "test", FakeTune(), monkeypatch)
    assert small.begun == [8, 4, 4, 2, 1, 1]  # 0-3 fit; of 4-7 the half 4-5, of which 4 fits
    assert Store(str(tmp_path / "test")).finished() == {r.key for r in RUNS[:5]}


def test_other_errors_end_the_trial_at_once(
    small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.error = RuntimeError("device-side assert triggered")
    with pytest.raises(RuntimeError, match="device-side assert"):
        train_plan(tmp_path / "test", FakeTune(), monkeypatch)
    assert small.begun == [8]


@pytest.mark.parametrize("checkpoints", [1, 2, 4, 6])
def test_a_trial_lost_in_any_part_continues_from_its_checkpoint_and_trains_no_stored_member_again(
    checkpoints: int, small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune = FakeTune(patience=checkpoints)
    with pytest.raises(KeyboardInterrupt):
        train_plan(tmp_path / "test", tune, monkeypatch, every=0.0)
    stored = Store(str(tmp_path / "test")).finished()
    before = list(small.begun)
    tune.patience = None
    train_plan(tmp_path / "test", tune, monkeypatch, every=0.0)
    assert_stored(tmp_path / "test")
    again = small.begun[len(before) :]
    assert sum(size for size in again if size <= small.most) == len(RUNS) - len(stored)
    assert tune.reports[-1] == {"iteration": 60, "diverged": 0, "stored": 8}


def test_a_part_that_was_stored_after_the_last_checkpoint_is_not_trained_again(
    small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path / "test"))
    store.create("test", "?", hyper_parameters=configurations.among({"weight_decay": ()}))
    first = CohortPlan(RUNS, 0, 2, 1.0)
    origin = {"device": "cpu", "git_commit": "abc", "versions": {}, "started_at": datetime.now(UTC)}
    store.write([expected_results()[r.key] for r in RUNS[:2]], first.key, **origin)
    train_plan(tmp_path / "test", FakeTune(), monkeypatch)
    assert small.begun == [8, 4, 2, 4, 2, 2]
    assert_stored(tmp_path / "test")


def test_cohort_begins_in_parts_of_what_memory_was_measured_to_hold(
    small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "fitting", lambda runs, device, share: 3)
    train_plan(tmp_path / "test", FakeTune(), monkeypatch)
    assert small.begun == [2, 3, 3]
    assert_stored(tmp_path / "test")


def test_diverged_members_of_all_parts_are_counted(
    small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = (*(run(seed=n) for n in range(3)), run(learning_rate=1e4), *(run(seed=n) for n in range(3, 7)))
    monkeypatch.setattr(trial.memory, "fitting", lambda runs, device, share: 2)
    monkeypatch.setattr(f"{__name__}.PLAN", CohortPlan(runs, 0, 8, 8.0))
    tune = FakeTune()
    train_plan(tmp_path / "test", tune, monkeypatch)
    assert tune.reports[-1] == {"iteration": 60, "diverged": 1, "stored": 8}


def test_a_trial_that_was_silent_for_long_tells_how_far_it_is_between_evaluations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tuple(run(budget=240, seed=seed) for seed in range(2))  # evaluated every 40, in blocks of 20
    told = {}
    for silent in (1e9, -1.0):
        monkeypatch.setattr(trial, "SILENT_SECONDS", silent)
        tune = FakeTune()
        train_plan(tmp_path / str(silent), tune, monkeypatch, plan=CohortPlan(runs, 0, 2, 1.0))
        told[silent] = [report["iteration"] for report in tune.reports]
    assert told == {1e9: list(range(40, 241, 40)), -1.0: list(range(20, 241, 20))}


def test_survivors_of_two_cohorts_go_on_in_one_from_rung_to_rung_even_when_its_node_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, runs = tmp_path / "test", tuple(different_runs(budget=240))  # evaluated every 40
    store = Store(str(directory))
    first = [CohortPlan(runs, a, b, 1.0, Segment(0, 80)) for a, b in ((0, 5), (5, 8))]
    for plan in first:
        train_plan(directory, FakeTune(), monkeypatch, plan=plan)
    rows = read_runs(str(directory)).to_pylist()
    assert {(row["outcome"], row["iterations"]) for row in rows} == {("STOPPED", 80)}
    assert store.finished() == set()
    assert store.states() == {plan.key for plan in first} == {row["cohort_key"] for row in rows}

    survivors = (runs[6], runs[1], runs[4])
    plan = CohortPlan(survivors, 0, 3, 1.0, Segment(80, 240, tuple(sorted(store.states()))))
    tune = FakeTune(patience=3)
    with pytest.raises(KeyboardInterrupt):
        train_plan(directory, tune, monkeypatch, every=0.0, plan=plan)
    assert tune.reports[0] == {"iteration": 100, "diverged": 0}
    tune.patience = None
    train_plan(directory, tune, monkeypatch, every=0.0, plan=plan)
    assert tune.reports[-1] == {"iteration": 240, "diverged": 0, "stored": 3}

    expected = train(list(runs))[0]
    rows = read_runs(str(directory)).to_pylist()
    assert len(rows) == 8
    for row in rows:
        result = expected[row["run_key"]]
        curve = [p for p in read_curves(str(directory)).to_pylist() if p["run_key"] == row["run_key"]]
        if row["run_key"] in [run.key for run in survivors]:
            assert (row["outcome"], row["iterations"]) == ("COMPLETED", 240)
            assert {name: row[name] for name in result.metrics or {}} == result.metrics
            assert [point["mse_x"] for point in curve] == [point["mse_x"] for point in result.curve]
        else:
            assert (row["outcome"], row["iterations"]) == ("STOPPED", 80)
            assert row["mse_x"] == result.curve[1]["mse_x"]
            assert [point["iteration"] for point in curve] == [40, 80]
    assert sorted(read_samples(str(directory))["run_key"].to_pylist()) == sorted(r.key for r in survivors)


def test_driver_is_told_before_training_where_there_are_no_kernels_and_rows_say_by_what_they_were_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "native kernels are not used, training is slower: no C++ compiler found; install g++ or set CXX"
    monkeypatch.setattr(build, "missing", lambda: reason)
    tune = FakeTune()
    train_plan(tmp_path / "test", tune, monkeypatch)
    assert tune.reports[0] == {"iteration": 0, "diverged": 0, "trouble": reason}
    assert all("trouble" not in report for report in tune.reports[1:])
    for row in read_runs(str(tmp_path / "test")).to_pylist():
        assert json.loads(row["versions"]) == Training(RUNS).arithmetic

    with (console := Console(width=1_000)).capture() as captured:
        progress = StudyProgress(0, 8, console, Slots(1, "cpu", {}))
        progress.expect([PLAN])
        for _ in range(2):  # by trials of one node or of many
            progress.on_trial_result(1, [], SimpleNamespace(config={"cohort": PLAN.key}), tune.reports[0])
    assert captured.get() == f"warning: {reason}; training goes on\n"


class Stopping(FakeTune):
    """Has the driver ask its trials to end after so many reports."""

    def __init__(self, lease: Lease, after: int) -> None:
        super().__init__()
        self.lease, self.after = lease, after

    def report(self, values: dict[str, Any]) -> None:
        super().report(values)
        if len(self.reports) == self.after:
            self.lease.stop()


def test_trial_that_is_asked_to_end_keeps_its_state_and_goes_on_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "LOOK_SECONDS", 0.0)
    directory, runs = tmp_path / "test", tuple(different_runs(budget=120))
    plan = CohortPlan(runs, 0, 8, 1.0)
    store = Store(str(directory))
    store.create("test", "?", hyper_parameters=configurations.among({"weight_decay": ()}))
    with take(store.filesystem, store.path) as lease:
        tune = Stopping(lease, after=1)  # at its first evaluation
        train_plan(directory, tune, monkeypatch, plan=plan, lease=lease.name)
    assert "stored" not in tune.reports[-1]
    assert read_runs(str(directory)).num_rows == 0
    state = checkpoint.read(store.read_state(f"begun-{plan.key}"))
    assert 20 <= state["iteration"] < 120
    begun = resume.begun(store, set())
    assert begun == {run.key: (state["iteration"], f"begun-{plan.key}") for run in runs}

    # Another driver cuts other cohorts: they go on from the same state.
    since, names = state["iteration"], (f"begun-{plan.key}",)
    for a, b in ((0, 3), (3, 8)):
        tune = FakeTune()
        train_plan(directory, tune, monkeypatch, plan=CohortPlan(runs, a, b, 1.0, Segment(since, 120, names)))
        assert min(report["iteration"] for report in tune.reports) > since
    rows = {row["run_key"]: row for row in read_runs(str(directory)).to_pylist()}
    for key, result in train(list(runs))[0].items():
        assert {name: rows[key][name] for name in result.metrics or {}} == result.metrics
    assert resume.begun(store, store.finished()) == {}
    assert store.begun() == set()


def test_results_wait_for_room_on_a_full_disk_and_not_for_ever(
    small: type[Small], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(small, "most", 8)
    write, full = Store.write, [True]

    def write_when_there_is_room(self: Store, *arguments: Any, **provenance: Any) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, *arguments, **provenance)

    monkeypatch.setattr(Store, "write", write_when_there_is_room)
    with pytest.raises(OSError, match="No space left"):
        train_plan(tmp_path / "test", FakeTune(), monkeypatch, full=0.05)

    class Emptied(FakeTune):
        def report(self, values: dict[str, Any]) -> None:
            super().report(values)
            if "trouble" in values:
                full.clear()

    tune = Emptied()
    train_plan(tmp_path / "test", tune, monkeypatch, full=60.0)
    assert [r["trouble"] for r in tune.reports if "trouble" in r] == [
        "results wait to be written: No space left on device"
    ]
    assert_stored(tmp_path / "test")
