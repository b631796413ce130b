"""Rows of two versions of a system, or of its data, are never in one statistic, and a report says what it leaves out."""

from __future__ import annotations

import pytest

from analysis import rows, systems
from analysis.comparison.paired import match
from analysis.contents import build
from analysis.sections import _joined_systems
from analysis.sections.opening import notes
from analysis.sections.provenance import Provenance
from analysis.statistics.summary import summarise
from analysis.versions import Superseded
from tests.analysis.made import made

CHANGED = "3 runs of AVB+AC, version 1, left out but still stored: its loss has changed since."


@pytest.fixture
def mixed(run):
    """Three configurations of two systems; one of these in two versions, of which the first diverged throughout."""
    old = [run("avb_ac", i, outcome="DIVERGED") for i in range(3)]
    new = [run("avb_ac", i, objective_version=2, mse_x=0.5) for i in range(3)]
    return [*old, *new, *(run("vae", i) for i in range(3))]


def test_load_takes_the_newest_version_of_each_system(store, mixed):
    found = rows.load(str(store(mixed)))
    kept = {(name, version) for name, version in found.runs[["algorithm", "objective_version"]].to_numpy()}
    assert kept == {("avb_ac", 2), ("vae", 1)}
    assert found.superseded == Superseded({("avb_ac", 1): 3}, {})
    assert set(found.curves["run_key"]) == set(found.runs["run_key"])


def test_no_statistic_is_of_two_versions(store, mixed):
    found = rows.load(str(store(mixed)))
    table = summarise(found).set_index("algorithm")
    assert (table.loc["avb_ac", "runs"], table.loc["avb_ac", "diverged"]) == (3, 0)
    pairs = match(found, "avb_ac", "vae")
    assert len(pairs.table) == 3
    assert pairs.table["mse_x_first"].tolist() == [0.5, 0.5, 0.5]


def test_an_earlier_version_does_not_choose_the_budget(store, run):
    old = [run("avb_ac", i, budget=1600) for i in range(3)]
    found = rows.load(str(store([*old, run("avb_ac", 0, objective_version=2)])))
    assert (found.budget, len(found.runs), found.other_budgets) == (300, 1, {})
    assert found.superseded.objectives == {("avb_ac", 1): 3}


def test_load_takes_the_data_version_of_the_highest_number(store, run):
    versions = ["digits-v9", "digits-v10", "digits-v8"]  # the newest is neither last by letters nor by time
    found = rows.load(str(store([run("vae", n, data_version=v) for n, v in enumerate(versions)])))
    assert found.runs["data_version"].tolist() == ["digits-v10"]
    assert found.superseded == Superseded({}, {"digits-v8": 1, "digits-v9": 1})
    assert "1 run on digits-v9 left out but still stored: the data have changed since." in notes(
        found, found.lambdas
    )


def test_the_newest_version_is_that_of_the_newest_data(store, run):
    made = [run("vae", 0, data_version="v1", objective_version=2), run("vae", 0, data_version="v2")]
    found = rows.load(str(store(made)))
    assert found.superseded == Superseded({}, {"v1": 1})
    assert found.runs["data_version"].tolist() == ["v2"]


def test_the_report_says_what_it_leaves_out_and_which_versions_it_is_of(store, mixed):
    found = rows.load(str(store(mixed)))
    files = build(found).files
    assert CHANGED in files["report.html"].decode()
    assert f"- {CHANGED}\n" in files["summary.md"].decode()
    assert "VAE 1" in made(Provenance, found).body
    assert "AVB+AC 2" in made(Provenance, found).body


def test_nothing_is_said_of_versions_where_there_is_one(store, run):
    found = rows.load(str(store([run("vae", 0), run("avb_ac", 0, objective_version=2)])))
    assert found.superseded == Superseded()
    assert not any("left out" in text for text in notes(found, found.lambdas))


def test_a_table_of_several_studies_says_what_they_leave_out_and_where_their_versions_differ(
    store, run, study, mixed, capsys
):
    where = str(store(mixed))
    assert systems.main([where]) == 0
    assert capsys.readouterr().out.endswith(f"\n\ntoy_robustness: {CHANGED}\n")
    other = study([run("avb_ac", 0), run("vae", 0)], study="other")
    said = _joined_systems.notes([rows.load(where), other])
    words = "AVB+AC is of version 2 in toy_robustness, version 1 in other: its loss has changed between them."
    assert said == [f"toy_robustness: {CHANGED}", words]
