"""What a driver writes of a study in training, and when it does not."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

import result_progress
from sweeps.execution import heartbeat
from sweeps.execution.heartbeat import Heartbeat
from sweeps.execution.lost import Lost
from sweeps.execution.progress import StudyProgress
from sweeps.planning.cohort_plans import CohortPlan
from sweeps.planning.slots import Slots
from sweeps.store import lease
from sweeps.store.store import Store
from tests.trainables.factory import different_runs

RUNS = tuple(different_runs(budget=60))
PLANS = [CohortPlan(RUNS, start, start + 4, 5.0) for start in (0, 4)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "s").mkdir()
    return Store(str(tmp_path / "s"))


@pytest.fixture
def beating(store: Store) -> Heartbeat:
    """Of a study of ten runs, two of which were there before."""
    console = Console(file=io.StringIO())
    progress = StudyProgress(2, 8, console, Slots(3, "cpu", {}))
    progress.expect(PLANS)
    return Heartbeat(store, progress, Lost())


def begin(beating: Heartbeat, number: int) -> SimpleNamespace:
    trial = SimpleNamespace(config={"cohort": PLANS[number].key})
    beating.lost.on_trial_start(1, [], trial)
    beating.progress.on_trial_start(1, [], trial)
    return trial


def test_progress_says_what_trains_what_is_done_and_what_was_lost(beating: Heartbeat, store: Store) -> None:
    beating.on_step_end(1, [])
    assert result_progress.read(store.uri) is None  # nothing trains yet
    first, second = begin(beating, 0), begin(beating, 1)
    beating.on_step_end(2, [])
    found = result_progress.read(store.uri)
    assert found is not None
    assert (found.total, found.already, found.done, found.unit) == (10, 2, 2, "runs")
    assert (found.slots, found.slots_in_use, found.running, found.budgets) == (3, 2, 8, (60,))
    assert not found.ended
    result = {"iteration": 60, "diverged": 1, "stored": 4}
    beating.progress.on_trial_result(3, [], first, result)
    beating.lost.on_trial_complete(3, [], first)
    beating.lost.running.discard(second.config["cohort"])
    beating.lost.reasons[second.config["cohort"]] = "RuntimeError: gone"
    beating.on_step_end(3, [])  # not due yet
    assert result_progress.read(store.uri) == found
    beating.write(ended=True)
    last = result_progress.read(store.uri)
    assert last is not None
    assert (last.done, last.diverged, last.slots_in_use, last.error) == (6, 1, 0, "RuntimeError: gone")
    assert last.ended
    assert not last.complete


def test_it_is_written_anew_when_it_is_due(
    beating: Heartbeat, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=lambda: now))
    begin(beating, 0)
    for second, in_use in ((0.0, 1), (result_progress.SECONDS, 1), (result_progress.SECONDS + 1, 2)):
        now = 1_000.0 + second
        beating.on_step_end(1, [])
        found = result_progress.read(store.uri)
        assert found is not None
        assert found.slots_in_use == in_use
        begin(beating, 1)


def test_a_driver_that_lost_its_lease_writes_nothing(store: Store, beating: Heartbeat) -> None:
    with lease.take(store.filesystem, store.path) as held:
        store.token = held
        begin(beating, 0)
        beating.write()
        first = result_progress.read(store.uri)
        assert first is not None
        assert first.lease == held.number
        (Path(store.path) / "lease" / f"{held.number + 1:08d}.json").write_text("{}")
        beating.write(ended=True)
        assert result_progress.read(store.uri) == first


def test_a_disk_that_is_full_stops_nothing(
    beating: Heartbeat, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result_progress, "keep", full)
    beating.write()
    assert result_progress.read(store.uri) is None


def test_watching_loads_no_framework() -> None:
    code = (
        "import sys, sweeps.status.__main__; print({'torch', 'ray', 'mlflow', 'optuna'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
