"""`--until decided`: balanced subsets until the verdicts that the study asks for are there, and no run more."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from analysis.statistics.locations import LEAST, LEAST_OF_MEDIAN
from result_manifest import SchemaError, read_manifest
from sweeps.store.store import Store
from sweeps.strategies import decided
from sweeps.strategies.decided import DecidedGrid, looks
from sweeps.study import Asked, Preset
from sweeps.toy_robustness import STUDY
from trainables import configurations
from trainables.engine.training import Result
from trainables.runs import Run

ORIGIN: dict[str, Any] = {"device": "cpu", "git_commit": "", "versions": {}, "started_at": datetime.now(UTC)}
PRESET = Preset(iterations=60, lambdas=(0.1,), limit=96)
EVERY = replace(STUDY, asked=Asked())

Metrics = Callable[[Run], dict[str, float]]


def write(store: Store, runs: Sequence[Run], metrics: Metrics) -> None:
    """Rows of runs, as if they had been trained."""
    no_points = np.zeros((0, 2), np.float32)
    results = [Result(run, None, run.budget, metrics(run), [], no_points, 1.0) for run in runs]
    store.write(results, f"cohort-{runs[0].key}-{len(runs)}", **ORIGIN)


def clear(run: Run) -> dict[str, float]:
    """sVAE-r better by far in both metrics."""
    noise = np.random.default_rng(int(run.configuration.key[:8], 16)).random()
    first = run.algorithm == "svae_r"
    return {"inception_score": 3 + 0.1 * noise + first, "mse_x": (0.01 if first else 0.1) * (1 + noise)}


def unclear(run: Run) -> dict[str, float]:
    """Nothing but noise, larger than any difference of interest."""
    rng = np.random.default_rng(int(run.key[:8], 16))
    return {"inception_score": 3 + rng.normal(), "mse_x": 0.1 * 10 ** rng.normal()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / STUDY.name))
    store.create(STUDY.name, STUDY.question, looks=looks(96))
    return store


def work_of(store: Store, study=EVERY, preset: Preset = PRESET) -> DecidedGrid:
    return DecidedGrid(study, preset, study.declared(preset), store)


def trained(store: Store, work: DecidedGrid, metrics: Metrics) -> list[int]:
    """Trains what is asked for; the number of runs of each stage."""
    sizes = []
    stage = work._next
    while stage is not None:
        sizes.append(len(stage.runs))
        write(store, stage.runs, metrics)
        stage = next(work._pending, None)
    return sizes


def said(work: DecidedGrid) -> str:
    console = Console(file=io.StringIO(), width=300)
    work.conclude(console)
    return console.file.getvalue()


def test_looks_are_few_ascending_and_end_with_all():
    assert looks(576) == (24, 48, 96, 192, 288, 384, 480, 576)
    assert looks(48) == (16, 24, 32, 40, 48)
    assert looks(12) == (12,)
    assert looks(3) == (3,)
    assert decided.LEAST_UNITS == LEAST_OF_MEDIAN
    assert decided.FEWEST == LEAST


def test_a_clear_case_is_decided_by_the_first_subset_and_says_what_it_saved(store: Store):
    work = work_of(store)
    assert work.looks == (16, 32, 48, 64, 80, 96)
    assert trained(store, work, clear) == [32]
    counts = dict.fromkeys((run.key for run in work._subsets[0]), "COMPLETED")
    assert work.unfinished(counts) == 0
    text = said(work)
    assert "decided   inception score at λ = 0.1, sVAE-r − ALICE: higher, 1.0" in text
    assert "until     16 of 96 configurations were needed, 160 of 192 runs were not (about 2.7 min" in text
    again = work_of(store)
    assert again.todo == 0
    assert said(again) == text


def test_an_unclear_case_trains_subset_after_subset_each_within_the_next(store: Store):
    work = work_of(store)
    assert trained(store, work, unclear) == [32] * 6
    text = said(work)
    assert "open      log10 MSE at λ = 0.1, sVAE-r − ALICE: undecided" in text
    assert "until     96 of 96 configurations were needed, nothing was saved" in text


def test_a_study_that_was_killed_in_a_subset_goes_on_there_and_ends_as_it_would_have(store: Store):
    first = work_of(store)
    runs = first._next.runs
    write(store, runs[:10], clear)
    again = work_of(store)
    assert again.unfinished({}) > 0
    assert {run.key for run in again._next.runs} == {run.key for run in runs[10:]}
    assert trained(store, again, clear) == [22]
    assert "until     16 of 96" in said(again)


def test_a_subset_of_which_trials_were_lost_is_not_looked_at(store: Store):
    work = work_of(store)
    write(store, work._next.runs[:-1], clear)
    assert next(work._pending, None) is None
    assert work.unfinished({}) > 0
    assert said(work) == ""


def test_only_what_the_study_asks_for_has_to_be_decided(store: Store):
    def mixed(run: Run) -> dict[str, float]:
        return {"inception_score": clear(run)["inception_score"], "mse_x": unclear(run)["mse_x"]}

    asked = replace(EVERY, asked=Asked(metrics=("inception_score",)))
    assert trained(store, work_of(store, asked), mixed) == [32]


def test_of_one_configuration_the_seeds_are_looked_at(store: Store):
    work = work_of(store, EVERY, Preset(iterations=60, lambdas=(0.1,), limit=1, seeds=24))
    assert work.plan() == "after 12, 16, 20 of 24 seeds"
    assert trained(
        store, work, lambda run: clear(run) | {"mse_x": 1.0 + run.seed / 100 + (run.algorithm == "alice")}
    ) == [24]


@pytest.mark.parametrize(
    ("study", "preset", "algorithms", "message"),
    [
        (EVERY, PRESET, ["alice"], "must have two algorithms to compare, got alice"),
        (EVERY, replace(PRESET, limit=3), None, "must have 5 configurations or more, got 3"),
        (replace(EVERY, asked=Asked(lambdas=(1.0,))), PRESET, None, r"asks about \(1\), got 0.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_is_refused_before_anything_is_trained(
    store, study, preset, algorithms, message
):
    with pytest.raises(ValueError, match=message):
        DecidedGrid(study, preset, study.declared(preset, algorithms), store)


def test_a_directory_keeps_its_plan_of_looks(store: Store):
    assert read_manifest(store.uri).looks == looks(96)
    store.create(STUDY.name, STUDY.question, looks=looks(96))
    store.create(STUDY.name, STUDY.question)
    assert read_manifest(store.uri).looks == looks(96)
    with pytest.raises(SchemaError, match=r"is looked at after 16, 32, .* by plan, got 24, 48"):
        store.create(STUDY.name, STUDY.question, looks=looks(576))


def test_a_plan_is_added_to_a_study_that_had_none(tmp_path: Path):
    store = Store(str(tmp_path / STUDY.name))
    store.create(STUDY.name, STUDY.question, smallest_differences=STUDY.smallest_differences)
    before = read_manifest(store.uri)
    made = (Path(store.path) / "study.json").stat().st_mtime_ns
    store.create(STUDY.name, STUDY.question, looks=(24, 48))
    found = read_manifest(store.uri)
    assert found == replace(before, looks=(24, 48), made=str(made))
    store.create(STUDY.name, STUDY.question, hyper_parameters=configurations.among({"weight_decay": ()}))
    assert read_manifest(store.uri).made == str(made)
