"""The store: atomic rows, one per run, and what it refuses to be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from result_manifest import MANIFEST, SchemaError, read_manifest
from result_metrics import VERSION_1
from result_reading import read_curves, read_runs, read_samples
from result_schema import METRICS, VERSION, Outcome, run_name
from sweeps.store.lease import Fenced, Lease, take
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY
from trainables import objectives
from trainables.engine.training import Result
from trainables.runs import Run

RUNS = STUDY.runs(STUDY.preset("smoke"))[:4]
ORIGIN: dict[str, Any] = {
    "device": "cpu",
    "git_commit": "abc",
    "versions": {"torch": "2"},
    "started_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def results(diverged: int = 0) -> list[Result]:
    """Results of RUNS, the first `diverged` of which diverged at iteration 7."""
    values = dict(zip(METRICS, (0.1, 0.2, 4.5, 5.0, 0.9), strict=True))
    return [
        Result(
            run=run,
            diverged_at=7 if i < diverged else None,
            iterations=7 if i < diverged else 60,
            metrics=None if i < diverged else values,
            curve=[{"iteration": 20, **values, "critic_loss": 1.0, "autoencoder_loss": None}],
            samples=np.zeros((0 if i < diverged else 256, 2), dtype=np.float32),
            train_seconds=0.5,
        )
        for i, run in enumerate(RUNS)
    ]


def of(run: Run) -> Result:
    """The result of a run."""
    return replace(results()[1], run=run)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "toy_robustness"))
    store.create(STUDY.name, STUDY.question)
    return store


@pytest.mark.parametrize("where", ["metrics", "curve"])
def test_a_metric_without_a_column_is_refused_and_nothing_is_written(store: Store, where: str) -> None:
    (one, *_) = results()
    assert one.metrics is not None
    lost = {"metrics": {**one.metrics, "fid": 1.0}, "curve": [{**one.curve[-1], "umpire_loss": 1.0}]}[where]
    with pytest.raises(
        SchemaError, match=r"must have a column for every metric.*none of (fid|umpire_loss); give the study"
    ):
        store.write([replace(one, **{where: lost})], "c0", **ORIGIN)
    assert read_runs(store.uri).num_rows == 0
    assert read_curves(store.uri).num_rows == 0


def test_the_losses_of_every_player_have_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = objectives.find("alice")
    players = {**alice.form.players, "umpire": ("encoder",)}
    monkeypatch.setattr(type(alice), "form", replace(alice.form, players=players))
    store = Store(str(tmp_path / "s"))
    store.create("s", "?", algorithms=["alice"])
    assert read_manifest(store.uri).losses == ("critic_loss", "autoencoder_loss", "umpire_loss")
    (one, *_) = results()
    store.write([replace(one, curve=[{**one.curve[-1], "umpire_loss": 3.0}])], "c0", **ORIGIN)
    assert read_curves(store.uri)["umpire_loss"].to_pylist() == [3.0]


def test_a_manifest_has_the_metrics_that_the_data_allow_and_one_of_before_keeps_its_own(
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path / "s"))
    store.create(
        "s", "?", data="eight_schools", smallest_differences={"kl_posterior": 0.1, "inception_score": 0.1}
    )
    manifest = read_manifest(store.uri)
    assert [m.name for m in manifest.metrics] == [
        "mse_x",
        "elbo",
        "reconstruction",
        "kl_posterior",
        "elbo_error",
    ]
    assert (manifest.headline, manifest.smallest_differences) == (("mse_x",), {"kl_posterior": 0.1})
    path = tmp_path / "s" / MANIFEST
    fields = json.loads(path.read_text())
    before = json.dumps(
        {name: value for name, value in fields.items() if name not in ("metrics", "losses", "headline")}
    )
    path.write_text(before)
    store.create("s", "?", data="eight_schools")
    assert path.read_text() == before
    assert read_manifest(store.uri).metrics == VERSION_1


def test_rows_hold_the_result_and_where_it_comes_from(store: Store) -> None:
    store.write(results(diverged=1), "c0", **ORIGIN)
    rows = {row["run_key"]: row for row in read_runs(store.uri).to_pylist()}
    assert set(rows) == {run.key for run in RUNS} == store.finished()
    hurt, fine = rows[RUNS[0].key], rows[RUNS[1].key]
    assert (hurt["outcome"], hurt["diverged_at"], hurt["mse_x"]) == ("DIVERGED", 7, None)
    assert (fine["outcome"], fine["diverged_at"], fine["mse_x"]) == ("COMPLETED", None, 0.1)
    assert (fine["cohort_key"], fine["cohort_size"], fine["git_commit"]) == ("c0", 4, "abc")
    assert json.loads(fine["versions"]) == {"torch": "2"}
    assert fine["width"] == RUNS[1].configuration.width
    assert run_name(fine).startswith(f"{RUNS[1].algorithm} λ=0.1 #{RUNS[1].number:04d}")
    assert read_curves(store.uri).num_rows == 4
    assert read_samples(store.uri).num_rows == 3


def test_a_cohort_stored_twice_counts_once(store: Store) -> None:
    store.write(results(), "c0", **ORIGIN)
    store.write(results(), "c0", **ORIGIN)
    store.write(results(), "c1", **ORIGIN)  # the same runs in another cohort
    assert read_runs(store.uri).num_rows == 4
    assert read_curves(store.uri).num_rows == 4
    assert read_samples(store.uri).num_rows == 4


def test_failed_runs_are_counted_and_tried_again_and_replaced(store: Store) -> None:
    store.write_failed(RUNS, "c0", "OutOfMemory: killed", **ORIGIN)
    rows = read_runs(store.uri).to_pylist()
    assert {row["outcome"] for row in rows} == {Outcome.FAILED}
    assert {row["error"] for row in rows} == {"OutOfMemory: killed"}
    assert store.finished() == set()
    store.write(results(), "c0", **ORIGIN)
    assert set(read_runs(store.uri)["outcome"].to_pylist()) == {"COMPLETED"}
    assert len(store.finished()) == 4


def test_a_row_that_goes_further_takes_the_place_of_a_stopped_one(store: Store) -> None:
    def stopped(iterations: int) -> list[Result]:
        return [replace(r, iterations=iterations, samples=r.samples[:0]) for r in results(diverged=1)]

    for iterations in (40, 20):  # in whatever order they come
        store.write(stopped(iterations), f"c{iterations}", **ORIGIN)
    rows = {row["run_key"]: row for row in read_runs(store.uri).to_pylist()}
    assert [rows[run.key]["outcome"] for run in RUNS] == ["DIVERGED", "STOPPED", "STOPPED", "STOPPED"]
    assert {rows[run.key]["iterations"] for run in RUNS[1:]} == {40}
    assert store.finished() == {RUNS[0].key}
    store.write_failed(RUNS, "c0", "killed", **ORIGIN)
    assert {row["iterations"] for row in read_runs(store.uri).to_pylist()} == {40}
    store.write(results(diverged=1), "c60", **ORIGIN)
    outcomes = read_runs(store.uri)["outcome"].to_pylist()
    assert sorted(outcomes) == ["COMPLETED", "COMPLETED", "COMPLETED", "DIVERGED"]


def test_rows_say_the_version_of_their_objective_and_those_from_before_are_of_version_1(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(results(), "c0", **ORIGIN)
    older = Path(store.path) / "runs" / "c0.parquet"
    pq.write_table(pq.read_table(older).drop_columns([VERSION]), older)
    before = {run.key for run in RUNS}
    monkeypatch.setattr(type(objectives.find("alice")), "version", 2)
    changed = {run.key for run in RUNS if run.algorithm == "alice"}
    assert changed
    assert not changed & before
    store.write(results(), "c1", **ORIGIN)
    rows = {row["run_key"]: row[VERSION] for row in read_runs(store.uri).to_pylist()}
    assert rows == dict.fromkeys(before, 1) | dict.fromkeys(changed, 2)


def test_rows_say_which_sampler_proposed_them_and_older_ones_need_not(store: Store) -> None:
    store.write(results()[:1], "c0", **ORIGIN)
    store.write(results()[1:2], "c1", **ORIGIN, sampler="tpe for mse_x, seed 0")
    store.write_failed(RUNS[2:3], "c2", "killed", **ORIGIN, sampler="tpe for mse_x, seed 0")
    store.write(results()[3:], "c3", **ORIGIN)
    older = Path(store.path) / "runs" / "c3.parquet"
    pq.write_table(pq.read_table(older).drop_columns(["sampler"]), older)
    rows = {row["run_key"]: row["sampler"] for row in read_runs(store.uri).to_pylist()}
    assert [rows[run.key] for run in RUNS] == ["grid", "tpe for mse_x, seed 0", "tpe for mse_x, seed 0", None]


def test_states_are_kept_until_they_are_dropped(store: Store) -> None:
    store.write_state("c0", b"one")
    store.write_state("c1", b"other")
    assert (store.states(), store.read_state("c1")) == ({"c0", "c1"}, b"other")
    store.drop_states({"c0"})
    assert store.states() == {"c1"}
    with pytest.raises(FileNotFoundError):
        store.read_state("c0")


def test_a_write_that_is_interrupted_leaves_no_row_and_no_rubbish(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(results(), "c0", **ORIGIN)
    monkeypatch.undo()
    assert read_runs(store.uri).num_rows == 0
    assert not list(Path(store.path).rglob("*.tmp"))


def test_a_file_that_is_half_written_is_not_read(store: Store) -> None:
    (Path(store.path) / "runs" / "c9.parquet.0123.tmp").write_bytes(b"PAR1 half")
    assert store.finished() == set()


def test_store_is_refused_when_it_is_of_another_study(store: Store) -> None:
    with pytest.raises(
        SchemaError, match=r"holds the study 'toy_robustness', not 'other'; choose another --results"
    ):
        store.check("other")


def test_store_holds_one_precision(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "bf16"))
    store.create(STUDY.name, STUDY.question, "bf16")
    assert read_manifest(store.uri).precision == "bf16"
    assert store.check(STUDY.name, "bf16")
    with pytest.raises(
        SchemaError,
        match=r"holds results in precision bf16, not float32; choose another --results, or --precision bf16",
    ):
        store.check(STUDY.name)


def test_store_that_was_written_before_there_were_precisions_holds_float32(store: Store) -> None:
    manifest = Path(store.path) / "study.json"
    fields = json.loads(manifest.read_text())
    assert fields.pop("precision") == "float32"
    manifest.write_text(json.dumps(fields))
    assert store.check(STUDY.name)
    with pytest.raises(SchemaError, match="in precision float32, not tf32"):
        store.create(STUDY.name, STUDY.question, "tf32")


def test_store_holds_a_cohort_when_its_rows_are_stored_and_not_failed(store: Store) -> None:
    store.write_failed(RUNS, "c0", "OutOfMemory: killed", **ORIGIN)
    assert not store.holds("c0")
    store.write(results(), "c0", **ORIGIN)
    assert store.holds("c0")


def test_store_is_refused_when_it_is_of_another_schema_version(store: Store) -> None:
    manifest = Path(store.path) / "study.json"
    manifest.write_text(manifest.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(SchemaError, match="schema version 99, this version reads 1"):
        store.check(STUDY.name)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"study": 1}'])
def test_store_is_refused_when_its_manifest_is_broken(store: Store, content: str) -> None:
    (Path(store.path) / "study.json").write_text(content)
    with pytest.raises(SchemaError):
        store.check(STUDY.name)


def test_a_directory_of_something_else_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(SchemaError, match=r"has no study\.json"):
        Store(str(tmp_path)).create(STUDY.name, "")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_store_takes_a_filesystem_uri(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}/bucket/toy_robustness")
    store.create(STUDY.name, STUDY.question)
    store.write(results(), "c0", **ORIGIN)
    assert len(store.finished()) == 4


def test_nothing_is_written_under_a_lease_that_another_driver_has_taken(store: Store) -> None:
    first = take(store.filesystem, store.path)
    late = Store(store.uri, first.name)
    late.write(results(), "c0", **ORIGIN)
    second = Lease(store.filesystem, store.path, "00000002", 60.0)
    assert second.claim()
    for write in (
        lambda: late.write(results(), "c1", **ORIGIN),
        lambda: late.write_state("begun-c1", b"late"),
        lambda: late.write_failed(RUNS, "c1", "killed", **ORIGIN),
        lambda: late.drop_states(["begun-c0"]),
    ):
        with pytest.raises(Fenced, match="another driver has taken it"):
            write()
    assert [path.name for path in (Path(store.path) / "runs").iterdir()] == ["c0.parquet"]
    assert store.begun() == set()
    Store(store.uri, second.name).write(results(), "c1", **ORIGIN)
    assert read_runs(store.uri).num_rows == 4


def test_a_damaged_file_is_named_and_the_other_rows_are_whole_without_it(store: Store) -> None:
    store.write(results()[:2], "c0", **ORIGIN)
    store.write(results()[2:], "c1", **ORIGIN)
    damaged = Path(store.path) / "runs" / "c1.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(
        SchemaError, match=r"c1\.parquet must be a table of runs, but it is damaged .* or remove it"
    ):
        store.finished()
    damaged.unlink()
    assert store.finished() == {run.key for run in RUNS[:2]}


def test_a_finished_study_is_extended_by_a_hyper_parameter_with_a_default(tmp_path):
    store = Store(str(tmp_path / "toy"))
    store.create(STUDY.name, STUDY.question, hyper_parameters=STUDY.columns)
    before = STUDY.runs(STUDY.preset("smoke", limit=2))
    store.write([of(run) for run in before], "before", **ORIGIN)
    assert "weight_decay" not in read_runs(store.uri).column_names
    wider = replace(STUDY, space={**STUDY.space, "weight_decay": (0.0, 0.01)})
    again = Store(store.uri)
    assert again.check(STUDY.name)
    again.create(wider.name, wider.question, hyper_parameters=wider.columns)
    assert read_runs(store.uri)["weight_decay"].to_pylist() == [0.0] * len(before)
    assert {run.key for run in before} <= {
        run.key for run in wider.declared(wider.preset("paper", iterations=60))
    }
    decayed = [replace(run, configuration=run.configuration.changed(weight_decay=0.01)) for run in before]
    again.write([of(run) for run in decayed], "after", **ORIGIN)
    rows = {row["run_key"]: row["weight_decay"] for row in read_runs(store.uri).to_pylist()}
    assert rows == {**{run.key: 0.0 for run in before}, **{run.key: 0.01 for run in decayed}}
    assert again.finished() == set(rows)
    old = Store(store.uri)  # who has another declaration in mind reads and writes on
    old.create(STUDY.name, STUDY.question, hyper_parameters=STUDY.columns)
    assert "weight_decay" in read_runs(store.uri).column_names


def test_a_hyper_parameter_without_a_column_is_not_lost_without_a_word(tmp_path):
    store = Store(str(tmp_path / "toy"))
    store.create(STUDY.name, STUDY.question, hyper_parameters=STUDY.columns)
    (run, *_) = STUDY.runs(STUDY.preset("smoke", limit=2))
    with pytest.raises(SchemaError, match="has none of weight_decay"):
        store.write(
            [of(replace(run, configuration=run.configuration.changed(weight_decay=0.1)))], "x", **ORIGIN
        )


@pytest.mark.parametrize(("data", "ink"), [("digits_grey", True), ("tests.trainables.pictures:Bars", False)])
def test_manifest_says_whether_grey_images_are_drawn_as_ink_and_an_older_one_that_they_are(
    data: str, ink: bool, tmp_path: Path
) -> None:
    store = Store(str(tmp_path))
    store.create("s", "?", data=data)
    assert read_manifest(store.uri).ink is ink
    path = tmp_path / MANIFEST
    fields = json.loads(path.read_text())
    del fields["ink"]
    path.write_text(json.dumps(fields))
    store.create("s", "?", data=data)
    assert read_manifest(store.uri).ink is True
