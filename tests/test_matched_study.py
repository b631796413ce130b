"""The stored rows of the study of matched λ stay what they are: found by their keys, with their curves and metrics of quality."""

from __future__ import annotations

from pathlib import Path

from analysis import rows
from result_schema import read_curves, read_runs
from sweeps.matched_lambda import STUDY

STORED = str(Path(__file__).parents[1] / "docs" / "matched_study")
QUALITY = (
    "on_mode_score",
    "true_log_density",
    "kl_true_model",
    "kl_model_true",
    "sliced_w2",
    "mode_imbalance",
    "coverage",
)


def test_every_stored_run_has_the_key_that_its_declaration_gives_now() -> None:
    preset = STUDY.preset("embedded", limit=48)
    declared = {run.key for run in STUDY.runs(preset, ("svae_r", "alice"))}
    stored = read_runs(STORED).to_pylist()
    assert {row["run_key"] for row in stored} == declared
    assert len(stored) == len(declared) == 576
    assert {row["outcome"] for row in stored} == {"COMPLETED"}
    assert all(row[name] is not None for row in stored for name in (*QUALITY, "inception_score", "mse_x"))


def test_every_stored_run_has_its_curve_and_is_in_the_report() -> None:
    keys = read_runs(STORED)["run_key"].to_pylist()
    evaluations = read_curves(STORED).to_pandas().groupby("run_key").size()
    assert set(evaluations.index) == set(keys)
    assert set(evaluations) == {6}
    assert len(rows.load(STORED).runs) == 576
