"""The stored rows of the paper's study stay what they are: found by their keys, of version 1, all in their report."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import rows
from analysis.versions import Superseded
from result_schema import VERSION, read_runs
from sweeps.toy_robustness import STUDY

PAPER = str(Path(__file__).parents[1] / "docs" / "paper_study")


@pytest.fixture(scope="module")
def stored() -> dict[str, dict[str, object]]:
    return {row["run_key"]: row for row in read_runs(PAPER).to_pylist()}


def test_every_stored_run_has_the_key_that_its_declaration_gives_now(
    stored: dict[str, dict[str, object]],
) -> None:
    declared = {run.key: run for run in STUDY.declared(STUDY.preset("paper"))}
    assert len(stored) == 5760
    assert stored.keys() == declared.keys()
    for key, run in declared.items():
        row, configuration = stored[key], run.configuration
        assert (row["algorithm"], row["lam"], row["seed"]) == (run.algorithm, run.lam, run.seed)
        assert (row["budget"], row["configuration_key"]) == (run.budget, configuration.key)


def test_every_stored_run_is_of_version_1_and_in_the_report(stored: dict[str, dict[str, object]]) -> None:
    assert {row[VERSION] for row in stored.values()} == {1}
    study = rows.load(PAPER)
    assert set(study.runs["run_key"]) == set(stored)
    assert study.superseded == Superseded()
