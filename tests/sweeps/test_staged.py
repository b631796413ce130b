"""Strategies in stages: stored rows of the last stage count, also if no further one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import result_digests
from sweeps.execution import executor, tuner
from sweeps.planning.slots import Slots
from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from sweeps.strategies import stored_rows
from sweeps.strategies.halving import Halving
from sweeps.strategies.optuna_search import Search, Settings
from sweeps.strategies.search import Searches
from sweeps.study import Preset
from sweeps.toy_robustness import STUDY
from tests.sweeps.search_metrics import SCORE
from trainables import objectives
from trainables.engine.training import Result
from trainables.runs import Run

SLOTS = Slots(2, "cpu", {"CPU": 1.0})
BUDGET = 60
METRICS = dict.fromkeys(("mse_x", "mse_z", "modes_covered", "on_mode_share"), 1.0)
ORIGIN: dict[str, Any] = {
    "device": "cpu",
    "git_commit": "abc",
    "versions": {},
    "started_at": datetime.now(UTC),
}


def search(directory: Path, runs: int, halving: Halving | None = None) -> Searches:
    settings = Settings("tpe", (SCORE,), runs, 2, halving=halving)
    store = Store(str(directory))
    store.create(STUDY.name, STUDY.question, searched=True)
    return Searches(STUDY, Preset(BUDGET, (0.1,)), ["alice"], "float32", settings, store, None)


def result(run: Run, until: int, **changes: Any) -> Result:
    """What wider networks do better."""
    metrics: dict[str, Any] = METRICS | {"inception_score": run.configuration.width / 32}
    curve = [{"iteration": i, **metrics} for i in range(20, until + 1, 20)]
    values = {"metrics": metrics, "diverged_at": None, "iterations": until, "curve": curve} | changes
    return Result(run=run, samples=np.empty((0, 2), np.float32), train_seconds=1.0, **values)


class Trained:
    """Stands for the training of stages. It asks for no further one after the last, as Tune where it is interrupted.

    Args:
        monkeypatch: puts it in place.
        lost: runs to lose of each stage.
        changes: of the results.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lost: int = 0, **changes: Any) -> None:
        self.lost, self.changes = lost, changes
        monkeypatch.setattr(tuner, "train_stages", self.train)

    def train(self, store: Store, stages: Iterator[Stage], progress: Any, *_: Any) -> list[str]:
        trained = 0
        while trained < progress.total and (stage := next(stages, None)):
            trained += len(stage.runs)
            for run in stage.runs[self.lost :]:
                store.write([result(run, stage.until, **self.changes)], f"{run.key}-{stage.until}", **ORIGIN)
        return ["lost"] * bool(self.lost)


def conclusion(work: Searches) -> str:
    console = Console(width=1_000, highlight=False)
    with console.capture() as captured:
        work.conclude(console)
    return captured.get()


def test_results_of_the_last_generation_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Trained(monkeypatch)
    work = search(tmp_path / "s", runs=4)
    assert executor.train(work, work.store, SLOTS, Console(quiet=True)) == []
    assert work.unfinished({}) == 0
    assert len(set(work.run_keys())) == 4
    best = max(row["inception_score"] for row in work._rows().values())
    assert f"inception_score {best:.4g} with" in conclusion(work)


def test_runs_that_were_lost_are_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Trained(monkeypatch, lost=1)
    work = search(tmp_path / "s", runs=4)
    executor.train(work, work.store, SLOTS, Console(quiet=True))
    assert work.unfinished({}) == 2  # one of each generation


def test_survivors_that_were_lost_on_their_way_on_are_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = Trained(monkeypatch)
    work = search(tmp_path / "s", runs=2, halving=Halving(2, SCORE))
    original = trained.train

    def first_rung_alone(store: Store, stages: Iterator[Stage], *rest: Any) -> list[str]:
        original(store, iter([next(stages)]), *rest)
        return ["lost"]

    monkeypatch.setattr(tuner, "train_stages", first_rung_alone)
    executor.train(work, work.store, SLOTS, Console(quiet=True))
    assert {row["outcome"] for row in work._rows().values()} == {"STOPPED"}
    assert work.unfinished({}) == 1  # of two, one survives


def test_a_search_in_which_everything_diverged_has_no_best_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trained(monkeypatch, metrics=None, diverged_at=7, curve=[])
    work = search(tmp_path / "s", runs=4)
    executor.train(work, work.store, SLOTS, Console(quiet=True))
    assert work.unfinished({}) == 0
    assert conclusion(work) == (
        "best      alice λ=0.1: none, for no run COMPLETED with a value of inception_score (4 DIVERGED)\n"
    )


def test_a_search_for_a_metric_that_the_system_has_not_has_no_best_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trained(monkeypatch, metrics=METRICS)
    work = search(tmp_path / "s", runs=4)
    executor.train(work, work.store, SLOTS, Console(quiet=True))
    assert work.unfinished({}) == 0
    assert "none, for no run COMPLETED with a value of inception_score (4 COMPLETED)" in conclusion(work)


def test_a_search_learns_nothing_from_runs_of_an_earlier_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trained(monkeypatch)
    first = search(tmp_path / "s", runs=4)
    executor.train(first, first.store, SLOTS, Console(quiet=True))
    assert search(tmp_path / "s", runs=4).todo == 0
    monkeypatch.setattr(type(objectives.find("alice")), "version", 2)
    second = search(tmp_path / "s", runs=4)
    assert (second.todo, second._told) == (4, 0)
    assert second.outcomes(second.stored(second.store)).total() == 0


def test_a_search_of_another_version_is_another_one_in_an_optuna_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = search(tmp_path / "s", runs=4)
    name = work._name("alice", 0.1)
    monkeypatch.setattr(type(objectives.find("alice")), "version", 2)
    assert work._name("alice", 0.1) == name.replace("alice", "alice version 2")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of runs that were asked for, one for each time that a sampler was."""
    sizes: list[int] = []
    ask = Search.ask

    def noted(one: Search) -> list[Run]:
        runs = ask(one)
        sizes.append(len(runs))
        return runs

    monkeypatch.setattr(Search, "ask", noted)
    return sizes


def test_a_restart_takes_up_what_was_told_and_asks_for_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trained(monkeypatch)
    whole = search(tmp_path / "whole", runs=8)
    executor.train(whole, whole.store, SLOTS, Console(quiet=True))
    first = search(tmp_path / "s", runs=4)
    executor.train(first, first.store, SLOTS, Console(quiet=True))
    conclusion(first)
    asked = counted(monkeypatch)
    second = search(tmp_path / "s", runs=8)
    assert (asked, second.todo) == ([2], 4)
    executor.train(second, second.store, SLOTS, Console(quiet=True))
    assert list(second.run_keys()) == list(whole.run_keys())
    assert conclusion(second) == conclusion(whole)


@pytest.mark.parametrize("change", ["row", "row gone", "code"])
def test_what_was_told_is_asked_for_again_where_a_row_or_the_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    Trained(monkeypatch)
    first = search(tmp_path / "s", runs=4)
    executor.train(first, first.store, SLOTS, Console(quiet=True))
    conclusion(first)
    files = sorted((tmp_path / "s" / "runs").iterdir())
    if change == "row":
        for file in files:
            table = pq.read_table(file)
            place = table.schema.get_field_index("inception_score")
            table = table.set_column(place, table.schema.field(place), pa.array([0.5] * len(table)))
            pq.write_table(table, file)
    elif change == "row gone":
        for file in files:
            file.unlink()
    else:
        code = result_digests.code
        monkeypatch.setattr(result_digests, "code", lambda *packages: code(*packages)[::-1])
    asked = counted(monkeypatch)
    again = search(tmp_path / "s", runs=4)
    assert asked[:2] == ([2] if change == "row gone" else [2, 2])
    assert (
        again.todo == {"row": again.todo, "row gone": 4, "code": 0}[change]
    )  # other results, other proposals


def test_each_file_of_rows_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Trained(monkeypatch)
    work = search(tmp_path / "s", runs=6)
    read: list[str] = []
    original = pq.read_table

    def noted(path: Any, **options: Any) -> pa.Table:
        read.append(str(path))
        return original(path, **options)

    monkeypatch.setattr(stored_rows.pq, "read_table", noted)
    executor.train(work, work.store, SLOTS, Console(quiet=True))
    work._rows()
    assert sorted(read) == sorted(map(str, (tmp_path / "s" / "runs").iterdir()))


def test_a_row_that_is_stored_again_takes_the_place_of_a_failed_one(tmp_path: Path) -> None:
    work = search(tmp_path / "s", runs=2)
    runs = next(iter(work.stages())).runs
    work.store.write_failed(runs, "lost", "gone", **ORIGIN)
    assert {row["outcome"] for row in work._rows().values()} == {"FAILED"}
    work.store.write([result(runs[0], BUDGET)], "again", **ORIGIN)
    assert {key: row["outcome"] for key, row in work._rows().items()} == {
        runs[0].key: "COMPLETED",
        runs[1].key: "FAILED",
    }
    for file in (tmp_path / "s" / "runs").glob("failed-*"):
        file.unlink()
    assert list(work._rows()) == [runs[0].key]
