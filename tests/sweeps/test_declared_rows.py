"""Rows of an algorithm without λ from when it was trained at each λ: they are its runs, and none is trained again."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from result_manifest import read_manifest
from result_reading import read_runs
from sweeps.cli import preview, rerun
from sweeps.execution import trial
from sweeps.planning.cohort_plans import CohortPlan, Segment
from sweeps.planning.slots import Slots
from sweeps.planning.stages import cohorts
from sweeps.store.declared_rows import STORED_KEY, renamed
from sweeps.store.store import Store
from sweeps.strategies.full_grid import FullGrid
from sweeps.strategies.halved_grid import HalvedGrid
from sweeps.strategies.halving import Halving
from sweeps.strategies.optuna_search import Settings
from sweeps.strategies.search import Searches
from sweeps.study import Preset
from sweeps.study.grid import Grid
from sweeps.toy_robustness import STUDY
from tests.sweeps.test_trial import FakeTune
from trainables import metrics
from trainables.engine.training import Result, Training
from trainables.runs import Run, content_hash

BOTH = ("gan", "alice")
LAMBDAS = (0.1, 1.0)
PRESET = STUDY.preset("smoke", lambdas=LAMBDAS, limit=6)
GRID = STUDY.declared(PRESET, BOTH)
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
METRICS = {"mse_x": 0.1, "mse_z": 0.2, "inception_score": 4.5, "modes_covered": 5.0, "on_mode_share": 0.9}
SCORE = metrics.find("inception_score").info


def once(run: Run, lam: float) -> Run:
    """The run as it was when every algorithm was trained at each λ."""
    old = replace(run)
    object.__setattr__(old, "lam", lam)
    return old


def old_runs(grid: Iterable[Run]) -> list[Run]:
    """The runs that a grid declared then."""
    return [
        old
        for run in grid
        for old in ([once(run, lam) for lam in LAMBDAS] if run.algorithm == "gan" else [run])
    ]


def result(run: Run, iterations: int | None = None, **changes: Any) -> Result:
    metrics = {**METRICS, "inception_score": 1.0 + run.number / 100, **changes}
    until = iterations or run.budget
    curve = [
        {"iteration": i, **metrics, "critic_loss": 1.0, "autoencoder_loss": 1.0}
        for i in range(20, until + 1, 20)
    ]
    points = np.zeros((0, 2), np.float32)
    return Result(
        run=run, diverged_at=None, iterations=until, metrics=metrics, curve=curve, samples=points, train_seconds=1.0
    )  # fmt: skip


def write(store: Store, results: Iterable[Result], minutes: int = 0) -> None:
    for n, one in enumerate(results):
        at = STARTED + timedelta(minutes=minutes, seconds=n)
        store.write(
            [one], one.run.key, device="cpu", git_commit="abc", versions={}, started_at=at, finished_at=at
        )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with the rows of GRID as they were then."""
    store = Store(str(tmp_path / STUDY.name))
    store.create(STUDY.name, STUDY.question)
    write(store, map(result, old_runs(GRID)))
    return store


def test_rows_are_stored_under_the_keys_of_then(store: Store) -> None:
    run = next(run for run in GRID if run.algorithm == "gan")
    content = {
        "study": "toy_robustness", "algorithm": "gan", "lam": 0.1, "seed": 0, "budget": 60, "data": run.dataset.version,
        **run.configuration.content,
    }  # fmt: skip
    keys = set(read_runs(store.uri)["run_key"].to_pylist())
    assert content_hash(content) in keys
    assert len(keys) == 6 * 4
    assert run.key not in keys


def test_nothing_is_trained_again(store: Store) -> None:
    work = FullGrid(GRID, store.finished())
    assert (work.declared, work.already, work.todo) == (6 + 12, 18, 0)
    assert work.outcomes(work.stored(store)) == {"COMPLETED": 18}
    assert work.unfinished(work.stored(store)) == 0
    assert {run.key for run in GRID} < store.finished()
    for lam in (0.0, 0.1, 7.0):  # whichever λ is declared now
        of_gan = STUDY.declared(replace(PRESET, lambdas=(lam,)), ("gan",))
        assert FullGrid(of_gan, store.finished()).todo == 0


@pytest.mark.parametrize(
    "changes",
    [{"seeds": 2}, {"budget": 120}, {"precision": "bf16"}, {"data": "four_images"}, {"study": "other"}],
)
def test_other_runs_are_still_to_be_trained(store: Store, changes: dict[str, Any]) -> None:
    other: Grid = replace(STUDY.declared(PRESET, ("gan",)), **changes)
    assert FullGrid(other, store.finished()).todo == 6


def test_another_version_of_the_algorithm_is_still_to_be_trained(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainables import objectives

    monkeypatch.setattr(type(objectives.find("gan")), "version", 2)
    assert FullGrid(GRID, store.finished()).todo == 6


def test_an_algorithm_that_is_not_here_any_more_stays_as_it_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainables import objectives

    table, known = read_runs(store.uri), objectives.find

    def find(name: str) -> Any:
        return known("gone" if name == "gan" else name)

    monkeypatch.setattr(objectives, "find", find)
    assert store.finished() == set(table["run_key"].to_pylist())


def test_of_several_rows_of_one_run_one_counts_by_a_fixed_rule(store: Store) -> None:
    rows = {row["run_key"]: row for row in store.rows().to_pylist()}
    assert set(rows) == {run.key for run in GRID}
    for run in GRID:
        stored = run.key if run.algorithm == "alice" else once(run, 0.1).key  # finished first
        assert rows[run.key][STORED_KEY] == stored


def test_a_halved_grid_goes_through_the_rungs_that_are_stored(tmp_path: Path) -> None:
    grid = STUDY.declared(STUDY.preset("smoke", iterations=120, lambdas=LAMBDAS, limit=8), BOTH)
    halving = Halving(2, SCORE)
    store = Store(str(tmp_path / "halved"))
    store.create(STUDY.name, STUDY.question)
    assert HalvedGrid(grid, halving, store).todo > 0
    work = HalvedGrid(grid, halving, store)
    assert len(work.populations) == 3
    for stage in iter(lambda: next(work._stages(), None), None):
        write(store, [result(old, stage.until) for old in old_runs(stage.runs)], minutes=stage.until)
    again = HalvedGrid(grid, halving, store)
    assert (again.todo, again.unfinished({})) == (0, 0)
    outcomes = [row["outcome"] for row in store.rows().to_pylist()]
    assert (outcomes.count("STOPPED"), outcomes.count("COMPLETED")) == (
        3 * 7,
        3,
    )  # 8 of each population, of which one survives


def test_a_search_without_lambda_is_one_and_takes_up_what_was_stored(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "search"))
    store.create(STUDY.name, STUDY.question, searched=True)
    settings = Settings("tpe", (SCORE,), 6, 2)

    def search() -> Searches:
        return Searches(STUDY, Preset(60, LAMBDAS), BOTH, "float32", settings, store, None)

    work = search()
    assert list(work.searches) == [("gan", 0.0), ("alice", 0.1), ("alice", 1.0)]
    assert work.declared == 18
    assert work._next
    for stage in itertools.chain([work._next], work._pending):
        write(store, map(result, old_runs(stage.runs)))
    assert search().todo == 0


def test_rerun_of_a_row_of_then_trains_its_run_again(store: Store) -> None:
    run = next(run for run in GRID if run.algorithm == "gan")
    for lam in LAMBDAS:
        found, row = rerun.find(store.uri, once(run, lam).key)
        assert (found, row["lam"]) == (run, lam)
    with pytest.raises(ValueError, match="run key must be one of"):
        rerun.find(store.uri, run.key)


def test_outcomes_are_those_of_the_rows_under_the_keys_of_now(store: Store) -> None:
    rows = store.rows()
    assert store.outcomes() == dict(
        zip(rows["run_key"].to_pylist(), rows["outcome"].to_pylist(), strict=True)
    )
    assert set(GRID.keys()) <= store.finished()


def test_columns_are_read_of_the_rows_that_count(store: Store) -> None:
    columns = ("lam", "run_key")
    assert read_runs(store.uri, columns).equals(read_runs(store.uri).select(columns))


def test_a_large_store_is_read_in_seconds(store: Store) -> None:
    table, manifest = read_runs(store.uri), read_manifest(store.uri)
    large = pa.concat_tables([table] * (57_600 // len(table)))
    begun = time.perf_counter()
    found = renamed(large, manifest)
    assert len(found) == 12
    assert time.perf_counter() - begun < 30  # ten times what it takes


def test_preview_says_which_algorithms_are_trained_once(store: Store) -> None:
    console = Console(width=200, record=True)
    preview.show(GRID, store.finished(), None, None, "", console)
    words = console.export_text()
    assert "runs      18 declared, 18 stored, 0 to train" in words
    assert "no λ      gan: trained once, whatever the values of λ" in words


def test_a_manifest_says_what_has_no_lambda_also_of_a_study_from_before(tmp_path: Path) -> None:
    new, old = (Store(str(tmp_path / name)) for name in ("new", "old"))
    new.create(STUDY.name, STUDY.question)
    own = read_manifest(new.uri).own
    assert {"alice", "svae_r", "aae", "infogan"}.isdisjoint(own)  # λ alone
    assert own["gan"] == {}
    assert own["aavae"] == {"temperature": 1.5}
    assert own["aassvae"] == {"lam": None, "temperature": 1.5}
    old.create(STUDY.name, STUDY.question)
    path = tmp_path / "old" / "study.json"
    before = {name: value for name, value in json.loads(path.read_text()).items() if name != "own"}
    path.write_text(json.dumps(before))
    old.create(STUDY.name, STUDY.question, algorithms=("alice", "svae_r"))
    assert json.loads(path.read_text()) == before  # nothing new to say of them
    old.create(STUDY.name, STUDY.question, algorithms=("alice", "aavae:temperature=3", "gan"))
    assert read_manifest(old.uri).own == {"aavae": {"temperature": 1.5}, "gan": {}}


def test_a_halved_run_that_was_stopped_under_a_key_of_then_goes_on_from_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = STUDY.declared(STUDY.preset("smoke", iterations=240, limit=None), ("gan",))
    alike = [c for c in STUDY.subset(None) if c[1].structure == grid[0].configuration.structure]
    grid = replace(grid, configurations=tuple(alike[:2]))
    store, tune = Store(str(tmp_path / "halved")), FakeTune()
    store.create(STUDY.name, STUDY.question)
    monkeypatch.setattr(trial, "tune", tune)
    settings = {
        "directory": store.uri, "device": "cpu", "slots": 1, "share": 1.0, "checkpoint_seconds": 1e9, "progress_seconds": 0.0, "metrics": None, "keep": "none",
        "git_commit": "abc", "versions": {}, "full_seconds": 0.0, "lease": None, "data_dir": None, "features": None, "sampler": "grid",
    }  # fmt: skip
    then = tuple(once(run, 0.1) for run in grid)
    trial.train_cohort(trial.planned(CohortPlan(then, 0, 2, 1.0, Segment(0, 80))), {}, settings)
    stage = next(HalvedGrid(grid, Halving(2, SCORE), store).stages())
    (plan,) = cohorts(stage, Slots(1, "cpu", {}), store.states())
    assert (plan.since, plan.until, len(plan)) == (80, 120, 1)
    tune.reports.clear()
    trial.train_cohort(trial.planned(plan), {}, settings)
    assert min(report["iteration"] for report in tune.reports) >= 80
    (run,) = plan.runs
    row = next(row for row in store.rows().to_pylist() if row["run_key"] == run.key)
    alone = Training((run,), "cpu", 120)
    while not alone.finished:
        alone.advance()
    expected = alone.results()[0].metrics
    assert expected
    assert {name: row[name] for name in expected} == expected
