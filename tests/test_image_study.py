"""The stored rows of the study of λ on images stay what they are: found by their keys, with their curves and pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import rows
from result_manifest import read_manifest
from result_pictures import read_pictures
from result_reading import read_curves, read_runs
from sweeps.image_lambda import STUDY
from trainables.runs import Configuration, run_key

STORED = str(Path(__file__).parents[1] / "docs" / "image_study")
PRESET = STUDY.preset("paper")


@pytest.fixture(scope="module")
def stored() -> list[dict[str, object]]:
    table: list[dict[str, object]] = read_runs(STORED).to_pylist()
    return table


def test_every_stored_run_has_the_key_that_its_declaration_gives_now(stored: list[dict[str, object]]) -> None:
    (configuration,) = STUDY.configurations()
    declared = {
        run_key(STUDY.name, algorithm, lam, seed, PRESET.iterations, str(stored[0]["data_version"]), configuration.content, "float32", 1)
        for algorithm in STUDY.algorithms
        for lam in PRESET.lambdas
        for seed in range(PRESET.seeds)
    }  # fmt: skip
    assert {row["run_key"] for row in stored} == declared
    assert len(stored) == len(declared) == 36
    names = read_manifest(STORED).hyper_parameters
    for row in stored:
        values = {name: row[name] for name in names if row[name] is not None}
        assert Configuration(**values).key == row["configuration_key"] == configuration.key


def test_every_stored_run_has_its_metrics_curve_and_pictures(stored: list[dict[str, object]]) -> None:
    keys = [str(row["run_key"]) for row in stored]
    for row in stored:
        assert all(row[name] is not None for name in STUDY.headline)
    evaluations = read_curves(STORED).to_pandas().groupby("run_key").size()
    assert set(evaluations) == {6}
    assert set(evaluations.index) == set(keys)
    for key in keys:
        assert set(read_pictures(STORED, [key])[key]) == {"samples", "reconstructions", "interpolations"}


def test_stored_runs_are_of_one_classifier_and_in_the_report(stored: list[dict[str, object]]) -> None:
    study = rows.load(STORED)
    assert len(study.runs) == len(stored)
    measured = {str(row["versions"]).split('"features": "')[1].split('"')[0] for row in stored}
    assert len(measured) == 1
