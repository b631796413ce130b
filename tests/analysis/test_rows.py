"""Reading a store: one budget at a time, and one clear line for what is no store."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from analysis import states
from analysis.rows import choose_budget, load, load_points, results, tally
from analysis.sections.opening import notes
from analysis.sections.provenance import Provenance
from result_files import PlaceError
from result_manifest import SchemaError
from tests.analysis.made import made


def test_load_reads_runs_curves_and_points(store, run):
    where = str(store([run("svae_r", 0), run("alice", 0), run("alice", 1, outcome="DIVERGED")]))
    found = load(where)
    assert found.algorithms == ["svae_r", "alice"]
    assert found.lambdas == [0.1]
    assert len(found.runs) == 3
    assert set(found.curves["run_key"]) <= set(found.runs["run_key"])
    key = found.group("svae_r", 0.1)["run_key"].iloc[0]
    assert load_points(where, [key])[key].shape == (64, 2)
    assert load_points(where, ["nothing"]) == {}


def test_load_accepts_a_uri(store, run):
    assert len(load(store([run("alice", 0), run("alice", 1)]).as_uri()).runs) == 2


def test_load_keeps_the_budget_with_most_rows_and_says_what_it_left_out(store, run):
    runs = [run("alice", i, budget=300) for i in range(3)] + [run("alice", 0, budget=1600)]
    where = str(store(runs))
    found = load(where)
    assert (found.budget, len(found.runs), found.other_budgets) == (300, 3, {1600: 1})
    other = load(where, 1600)
    assert (other.budget, len(other.runs), other.other_budgets) == (1600, 1, {300: 3})
    assert set(other.curves["run_key"]) == set(other.runs["run_key"])


def searched(directory):
    """Has the study of a directory say that it was searched; its path."""
    manifest = json.loads((directory / "study.json").read_text())
    (directory / "study.json").write_text(json.dumps(manifest | {"searched": True}))
    return str(directory)


def test_rows_of_different_samplers_are_not_pooled_and_the_report_says_what_it_left_out(store, run):
    tpe, random = "tpe for mse_x, seed 0", "random for mse_x, seed 0"
    runs = [run("alice", i, sampler=tpe) for i in range(4)] + [
        run("alice", i, sampler=random) for i in range(4, 6)
    ]
    where = searched(store([*runs, run("alice", 7)]))  # the last one stored before rows said it
    found = load(where)
    assert (found.sampler, len(found.runs)) == (tpe, 4)
    assert found.other_samplers == {random: 2, "not recorded": 1}
    assert set(found.curves["run_key"]) == set(found.runs["run_key"])
    said = notes(found, found.lambdas)
    words = "about those of tpe for mse_x, seed 0; left out: 1 row of not recorded; 2 rows of random for mse_x, seed 0"
    assert any(words in text for text in said)
    assert "--sampler &#x27;tpe for mse_x, seed 0&#x27;" in made(Provenance, found).body
    assert len(load(where, sampler=random).runs) == 2
    assert len(load(where, sampler="not recorded").runs) == 1
    with pytest.raises(SchemaError, match=r"--sampler must be one that has rows .*, got 'nsga2'"):
        load(where, sampler="nsga2")


def test_rows_of_a_grid_from_before_they_said_so_are_of_the_grid(store, run):
    found = load(str(store([run("alice", 0), run("alice", 1, sampler="grid")])))
    assert (found.sampler, len(found.runs), found.other_samplers) == ("grid", 2, {})


def test_choose_budget_takes_the_larger_on_a_tie():
    assert choose_budget({300: 2, 1600: 2, 50: 1}, None) == 1600


def test_choose_budget_refuses_one_that_no_row_has():
    with pytest.raises(SchemaError, match=r"--iterations.*\(300, 1600\), got 500; choose"):
        choose_budget({1600: 1, 300: 2}, 500)


def test_algorithms_read_regularised_first_and_unknown_last(run, study):
    found = study([run(name, 0) for name in ("wgan", "ali", "avb", "alice", "svae_r")])
    assert found.algorithms == ["svae_r", "alice", "ali", "avb", "wgan"]


def test_results_are_completed_and_diverged_alone(run, study):
    runs = [run("alice", i, outcome=o) for i, o in enumerate(["COMPLETED", "DIVERGED", "FAILED", "STOPPED"])]
    assert results(study(runs).runs)["outcome"].tolist() == ["COMPLETED", "DIVERGED"]


def test_tally_tells_infinite_values_from_missing_ones(run, study):
    runs = [
        run("alice", 0, mse_x=float("inf")),
        run("alice", 1, outcome="DIVERGED"),
        run("alice", 2, mse_z=None),
    ]
    assert tally(study(runs), states.infinite) == {"mse_x": 1}
    assert tally(study(runs), states.missing) == {"mse_z": 1}


def test_load_refuses_a_directory_without_manifest(tmp_path):
    with pytest.raises(SchemaError, match=r"no study\.json; give the directory"):
        load(str(tmp_path))


def test_load_refuses_another_schema_version(store, run):
    where = store([run("alice", 0), run("alice", 1)])
    manifest = json.loads((where / "study.json").read_text()) | {"schema_version": 99}
    (where / "study.json").write_text(json.dumps(manifest))
    with pytest.raises(SchemaError, match="schema version 99"):
        load(str(where))


def test_load_refuses_a_store_without_rows(store):
    with pytest.raises(SchemaError, match="no rows; run the study first"):
        load(str(store([])))


@pytest.mark.parametrize("damage", ["truncated", "foreign"])
def test_load_refuses_damaged_and_foreign_files_in_one_line(store, run, damage):
    where = store([run("alice", 0), run("alice", 1)])
    file = where / "runs" / "0.parquet"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:100])
    else:
        pa.parquet.write_table(pa.table({"x": [1]}), file)
    with pytest.raises(
        SchemaError, match=r"must be a table of runs, but it is damaged|reading it failed"
    ) as caught:
        load(str(where))
    assert "\n" not in str(caught.value)


def test_load_refuses_the_same_training_under_two_keys(store, run):
    runs = [run("alice", 0), run("alice", 0, run_key="another")]
    with pytest.raises(SchemaError, match=r"alice λ=0\.1 #0000 seed 0 twice"):
        load(str(store(runs)))


@pytest.mark.parametrize(
    ("key", "value"), [("of_a_later_version", 1), ("hyper_parameters", {"depth": "complex"}), ("hyper_parameters", None), ("shape", 2)]
)  # fmt: skip
def test_a_manifest_of_another_version_is_one_line(store, run, key, value):
    where = store([run("alice", 0), run("alice", 1)])
    fields = json.loads((where / "study.json").read_text())
    (where / "study.json").write_text(json.dumps(fields | {key: value}))
    with pytest.raises(SchemaError, match=r"study\.json must") as error:
        load(str(where))
    assert "\n" not in str(error.value)


def test_hidden_files_are_passed_over(store, run):
    where = store([run("alice", 0), run("alice", 1)])
    for folder in ("runs", "curves", "samples"):
        (where / folder / "._0.parquet").write_bytes(b"of a Mac")
    assert len(load(str(where)).runs) == 2
    assert len(load_points(str(where), [])) == 0


@pytest.mark.parametrize("where", ["", " ", "s3://KEY:HIDDEN/OF@bucket/toy"])
def test_a_directory_without_a_name_or_with_a_password_is_refused_without_showing_it(where):
    with pytest.raises(PlaceError, match="must") as error:
        load(where)
    assert "HIDDEN" not in str(error.value)
