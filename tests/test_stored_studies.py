"""Stored rows of studies of the toy data stay what they are: found by their keys, with their curves and metrics of quality."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import rows
from result_reading import read_curves, read_runs
from sweeps import matched_lambda, reference_configuration, zoo_robustness
from sweeps.study import Study

DOCS = Path(__file__).parents[1] / "docs"
QUALITY = (
    "on_mode_score",
    "true_log_density",
    "kl_true_model",
    "sliced_w2",
    "mode_imbalance",
    "coverage",
)
STUDIES = [
    pytest.param(matched_lambda.STUDY, "matched_study", 48, 1152, id="matched_lambda"),
    pytest.param(zoo_robustness.STUDY, "zoo_study", 24, 2160, id="zoo_robustness"),
]


@pytest.mark.parametrize(("study", "folder", "limit", "count"), STUDIES)
def test_every_stored_run_has_the_key_that_its_declaration_gives_now(
    study: Study, folder: str, limit: int, count: int
) -> None:
    stored = read_runs(str(DOCS / folder)).to_pylist()
    systems = sorted({str(row["algorithm"]) for row in stored})
    declared = {run.key for run in study.runs(study.preset("embedded", limit=limit), systems)}
    assert {row["run_key"] for row in stored} == declared
    assert len(stored) == len(declared) == count


@pytest.mark.parametrize(("study", "folder", "limit", "count"), STUDIES)
def test_every_stored_run_has_its_metrics_and_curve_and_is_in_the_report(
    study: Study, folder: str, limit: int, count: int
) -> None:
    stored = read_runs(str(DOCS / folder)).to_pandas()
    done = stored[(stored["outcome"] == "COMPLETED") & stored["inception_score"].notna()]
    assert done[list(QUALITY)].notna().all(axis=None)
    assert len(done) >= 0.97 * count  # the others DIVERGED, or only label points
    curves = read_curves(str(DOCS / folder)).to_pandas()
    assert set(curves["run_key"]) <= set(stored["run_key"])
    assert set(curves["run_key"]) >= set(done["run_key"])
    assert len(rows.load(str(DOCS / folder)).runs) == count


def test_runs_of_the_released_setting_have_the_keys_that_their_declaration_gives_now() -> None:
    study, stored = reference_configuration.STUDY, read_runs(str(DOCS / "reference_study")).to_pylist()
    longer = study.varied({"steps": ["1"]})
    declared = {
        *(run.key for run in study.runs(study.preset("embedded"))),
        *(run.key for run in longer.runs(longer.preset("embedded", iterations=8000))),
    }
    assert {row["run_key"] for row in stored} == declared
    assert len(stored) == 54
