"""Models that are kept as runs train: which, when, and how they are had again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from result_reading import read_runs, read_samples
from sweeps.cli import preview, rerun
from sweeps.cli.models_of_runs import model_of
from sweeps.execution import trial
from sweeps.planning.cohort_plans import CohortPlan, Segment
from sweeps.store import kept_models
from sweeps.store.kept_models import ALL, BEST, NONE
from sweeps.store.store import Store
from sweeps.study.grid import Grid
from sweeps.toy_robustness import STUDY
from sweeps.tracking import mirror
from tests.sweeps.small_study import mlflow_client
from tests.sweeps.test_trial import FakeTune
from tests.trainables.factory import different_runs, run
from trainables import configurations, saved_models
from trainables.runs import Run

RUNS = tuple(different_runs(budget=40))


def train(
    directory: Path,
    keep: str,
    runs: tuple[Run, ...],
    monkeypatch: pytest.MonkeyPatch,
    segment: Segment | None = None,
    patience: int | None = None,
) -> Store:
    """The trial of one cohort, as a study has it."""
    store = Store(str(directory))
    store.create("test", "?", hyper_parameters=configurations.among({"weight_decay": ()}))
    kept_models.prepare(store, keep)
    monkeypatch.setattr(trial, "tune", FakeTune(patience))
    settings = {
        "directory": store.uri, "device": "cpu", "slots": 1, "share": 1.0, "checkpoint_seconds": 1e9, "progress_seconds": 0.0, "metrics": None, "keep": keep,
        "git_commit": "abc", "versions": {}, "full_seconds": 0.0, "lease": None, "data_dir": None, "features": None, "sampler": "grid",
    }  # fmt: skip
    plan = CohortPlan(runs, 0, len(runs), 1.0, segment) if segment else CohortPlan(runs, 0, len(runs), 1.0)
    trial.train_cohort(trial.planned(plan), {}, settings)
    return store


def files(store: Store, which: str) -> set[str]:
    return {path.stem for path in Path(store.path).glob(f"models/{which}/*.safetensors")}


def rows(store: Store) -> dict[str, dict[str, Any]]:
    return {row["run_key"]: row for row in read_runs(store.uri).to_pylist()}


def quiet() -> Console:
    return Console(quiet=True)


def assert_equal(model: saved_models.TrainedModel, store: Store) -> None:
    """The model measured again has metrics and samples of its row."""
    result, row = model.measure(), rows(store)[model.record.key]
    assert result.metrics == {name: row[name] for name in result.metrics or {}}
    table = read_samples(store.uri)
    (points,) = [p for key, p in zip(table["run_key"].to_pylist(), table["points"].to_pylist(), strict=True) if key == row["run_key"]]  # fmt: skip
    np.testing.assert_array_equal(result.samples.ravel(), np.float32(points))


def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = train(tmp_path / "test", NONE, RUNS[:2], monkeypatch)
    assert not (tmp_path / "test" / "models").exists()
    assert len(rows(store)) == 2


def test_all_that_are_kept_are_their_rows_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diverging = run("svae_r", lam=3.0, seed=9, budget=40, learning_rate=1e3)
    store = train(tmp_path / "test", ALL, (*RUNS, diverging), monkeypatch)
    assert rows(store)[diverging.key]["outcome"] == "DIVERGED"
    assert files(store, ALL) == {r.key for r in RUNS}
    for key in files(store, ALL):
        assert_equal(saved_models.load(tmp_path / "test" / "models" / ALL / f"{key}.safetensors"), store)


def test_best_is_of_each_algorithm_and_lambda_by_the_last_headline_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tuple(run(a, lam, seed, 40) for a in ("svae_r", "alice") for lam in (0.1, 1.0) for seed in range(3))  # fmt: skip
    store = train(tmp_path / "test", BEST, runs, monkeypatch)
    expected = {}
    for row in rows(store).values():
        group = expected.setdefault((row["algorithm"], row["lam"]), [])
        group.append((row["inception_score"], row["run_key"]))
    assert files(store, BEST) == {max(group)[1] for group in expected.values()}


def test_a_study_that_continues_keeps_its_best_alone_and_what_has_no_row_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tuple(run("svae_r", 0.1, seed, 40) for seed in range(4))
    store = train(tmp_path / "test", BEST, runs[:2], monkeypatch)
    train(tmp_path / "test", BEST, runs[2:], monkeypatch)
    assert len(files(store, BEST)) == 2
    training_elsewhere = tmp_path / "test" / "models" / BEST / "0123456789abcdef.safetensors"
    training_elsewhere.write_bytes(b"its row comes after it")
    every = tuple(rows(store).values())
    (first,) = kept_models.best(every, store.manifest)
    kept_models.settle(store, BEST, quiet())
    kept_models.settle(store, BEST, quiet())
    assert files(store, BEST) == {first, "0123456789abcdef"}
    assert first == max((row["inception_score"], row["run_key"]) for row in every)[1]


def test_best_ones_of_before_are_counted_and_models_of_all_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = train(tmp_path / "test", NONE, RUNS[:1], monkeypatch)
    train(tmp_path / "test", ALL, RUNS[1:2], monkeypatch)
    kept_models.prepare(store, BEST)
    kept_models.settle(store, BEST, Console(soft_wrap=True))
    kept_models.settle(store, ALL, Console(soft_wrap=True))
    none, lost, everyone, without = capsys.readouterr().out.splitlines()
    assert none.startswith("keep      0 models, 0.00 MB, in ")
    assert lost.startswith("keep      1 of 2 runs were trained without it")
    assert everyone.startswith("keep      1 model, 0.02 MB, in ")
    assert without == lost
    assert files(store, ALL) == {RUNS[1].key}


def test_a_run_that_is_stopped_at_a_rung_is_not_the_best_and_is_kept_among_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tuple(run("svae_r", 0.1, seed, 80) for seed in range(2))
    store = train(tmp_path / "best", BEST, runs, monkeypatch, Segment(0, 20))
    assert files(store, BEST) == set()
    store = train(tmp_path / "all", ALL, runs, monkeypatch, Segment(0, 20))
    assert files(store, ALL) == {r.key for r in runs}
    model = model_of(store.uri, runs[0].key, "cpu")
    assert model.record.iterations == 20
    # The cohort goes on, and with it the file.
    (state,) = store.states()
    train(tmp_path / "all", ALL, runs, monkeypatch, Segment(20, 80, (state,), {}))
    model = model_of(store.uri, runs[0].key, "cpu")
    assert model.record.iterations == 80
    assert_equal(model, store)


def test_models_are_written_before_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Store, "write", refuse)
    with pytest.raises(OSError, match="no room"):
        train(tmp_path / "test", ALL, RUNS[:2], monkeypatch)
    assert files(Store(str(tmp_path / "test")), ALL) == {r.key for r in RUNS[:2]}


def test_a_value_of_the_option_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="--keep must be one of none, best, all, got 'some'"):
        kept_models.check("some")


def test_a_dry_run_counts_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = Grid(study="test", budget=40, configurations=((0, run().configuration),), seeds=4, lambdas=(0.1,),
                algorithms=("svae_r", "alice"))  # fmt: skip

    def said(keep: str) -> list[str]:
        preview.show(grid, set(), None, None, "", Console(soft_wrap=True), keep)
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("keep")]

    assert said(NONE) == []
    store = train(tmp_path / "test", ALL, tuple(grid), monkeypatch)
    sizes = [path.stat().st_size for path in Path(store.path).glob("models/all/*")]
    assert said(ALL) == [f"keep      about {sum(sizes) / 1e6:.1f} MB of 8 models, less those that diverge"]
    (line,) = said(BEST)
    assert line.startswith(f"keep      at most {2 * max(sizes) / 1e6:.1f} MB of 2 models, and ")


# A model of a stored run


def test_a_model_that_is_kept_is_read_and_another_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = train(tmp_path / "test", ALL, RUNS[:2], monkeypatch)
    train(tmp_path / "test", NONE, RUNS[2:4], monkeypatch)
    assert_equal(model_of(store.uri, RUNS[0].key, "cpu"), store)
    assert capsys.readouterr().out == ""
    assert_equal(model_of(store.uri, RUNS[3].key, "cpu"), store)
    assert f"run {RUNS[3].key} was not kept as it trained: it trains again" in capsys.readouterr().out


def test_a_kept_file_that_is_cut_off_is_said_and_the_run_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = train(tmp_path / "test", ALL, RUNS[:1], monkeypatch)
    path = tmp_path / "test" / "models" / ALL / f"{RUNS[0].key}.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.warns(UserWarning, match="must be a file of a trained model, but it cannot be read"):
        model = model_of(store.uri, RUNS[0].key, "cpu")
    assert_equal(model, store)


def test_a_model_that_is_not_its_row_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = train(tmp_path / "test", ALL, RUNS[:1], monkeypatch)
    (path,) = (tmp_path / "test" / "runs").glob("*.parquet")
    table = read_runs(store.uri)
    place = table.schema.get_field_index("mse_x")
    pq.write_table(table.set_column(place, table.schema.field(place), [[0.5]]), path)
    with pytest.warns(UserWarning, match="must be equal to its row to the bit, but mse_x differ"):
        model_of(store.uri, RUNS[0].key, "cpu")


def test_a_saved_model_is_the_row_and_what_cannot_be_saved_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    diverging = run("svae_r", seed=9, budget=40, learning_rate=1e3)
    store = train(tmp_path / "test", NONE, (RUNS[2], replace(diverging)), monkeypatch)
    saved = tmp_path / "model.pt"

    def code(key: str, save: Path) -> int:
        return rerun.main(rerun.Options(key, store.uri, save=str(save)))

    assert code(RUNS[2].key, saved) == 0
    assert f"saved       {saved}, " in capsys.readouterr().out
    assert_equal(saved_models.load(saved), store)
    for key, place, reason in (
        ("0" * 16, saved, "run key must be one of the 2 runs"),
        (diverging.key, saved, "must have trained to its end to have a model, but it diverged after"),
        (RUNS[2].key, tmp_path, "--save must name a file in a folder that can be written"),
        (
            RUNS[2].key,
            tmp_path / "none" / "model.pt",
            "--save must name a file in a folder that can be written",
        ),
    ):
        assert code(key, place) == 2
        said = capsys.readouterr()
        (line,) = said.err.splitlines()
        assert line.startswith("sweeps.cli.rerun: ")
        assert reason in line
        assert said.out == ""


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_the_kept_models_of_the_best_runs_are_models_of_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    runs = tuple(run("svae_r", 0.1, seed, 40) for seed in range(3))
    store = train(tmp_path / "test", ALL, runs, monkeypatch)
    (tmp_path / "test" / "report").mkdir()
    (tmp_path / "test" / "report" / "report.html").write_text("<p>")

    def logged() -> dict[str, Any]:
        assert mirror.main(mirror.Options(store.uri, tracking_uri=uri)) == 0
        client = mlflow_client(uri)
        experiment = client.get_experiment_by_name("test")
        found = client.search_runs([experiment.experiment_id], "tags.model != ''")
        return {one.data.tags["run_key"]: one for one in found}

    import mlflow.pytorch

    (key,), every = kept_models.best(rows(store).values(), store.manifest), logged()
    assert list(every) == [key]
    mlflow.set_tracking_uri(uri)
    model = mlflow.pytorch.load_model(f"runs:/{every[key].info.run_id}/model")
    assert_equal(model, store)
    assert (model.record.key, every[key].info.status) == (key, "FINISHED")
    assert every[key].info.end_time == int(rows(store)[key]["finished_at"].timestamp() * 1000)
    again = logged()
    assert {k: one.info.run_id for k, one in again.items()} == {key: every[key].info.run_id}
    assert STUDY.headline[-1] == store.manifest.headline[-1]
