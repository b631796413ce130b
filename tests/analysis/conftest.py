"""A study's store written by hand, so that the analysis is tested on rows whose every value is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import contents
from analysis.rows import Rows
from result_manifest import Manifest
from result_schema import CURVES, METRICS, SAMPLES, VERSION, runs_schema

HYPER_PARAMETERS = {"depth": "int", "learning_rate": "float"}
_FAILURE = contents.failure
_START = datetime(2025, 1, 1, tzinfo=UTC)


def make_run(
    algorithm: str, configuration: int, lam: float = 0.1, seed: int = 0, **changes: Any
) -> dict[str, Any]:
    """One row: COMPLETED with plain metrics unless told otherwise; DIVERGED and FAILED have none."""
    outcome = changes.get("outcome", "COMPLETED")
    budget = changes.get("budget", 300)
    versions = [changes.get("data_version", "v1"), *([changes[VERSION]] if VERSION in changes else [])]
    identity = f"{algorithm}/{configuration}/{lam}/{seed}/{budget}/{'/'.join(map(str, versions))}"
    metrics = {"mse_x": 0.1, "mse_z": 0.2, "inception_score": 4.0, "modes_covered": 5.0, "on_mode_share": 0.9}
    row = {
        "run_key": hashlib.sha256(identity.encode()).hexdigest()[:16], "study": "toy_robustness",
        "algorithm": algorithm, "lam": lam, "seed": seed, "configuration": configuration,
        "configuration_key": f"c{configuration:04d}", "budget": budget, "data_version": "v1", VERSION: 1,
        "depth": 2 + configuration % 2, "learning_rate": [1e-4, 1e-3][configuration // 2 % 2],
        "outcome": outcome, "diverged_at": 40 if outcome == "DIVERGED" else None, "iterations": budget,
        **(metrics if outcome in ("COMPLETED", "STOPPED") else dict.fromkeys(METRICS)),
        "error": "RuntimeError: <out of memory>" if outcome == "FAILED" else None,
        "train_seconds": 1.5, "device": "cpu", "cohort_key": "k0", "cohort_size": 4, "git_commit": "abc1234",
        "versions": json.dumps({"torch": "2.13.0"}), "started_at": _START,
        "finished_at": _START + timedelta(seconds=configuration),
    }  # fmt: skip
    return row | changes


def make_curve(run: dict[str, Any], evaluations: int = 4) -> list[dict[str, Any]]:
    """A run's curve: MSE falls and the score rises to the final value; a DIVERGED run's ends before it diverged."""
    final = {"mse_x": run["mse_x"] or 0.5, "inception_score": run["inception_score"] or 2.0}
    rows = []
    for step in range(1, evaluations + 1):
        iteration = run["budget"] * step // evaluations
        if run["diverged_at"] is not None and iteration >= run["diverged_at"]:
            break
        share = step / evaluations
        rows.append({
            "run_key": run["run_key"], "iteration": iteration, "mse_x": final["mse_x"] * (1 + 9 * (1 - share)),
            "mse_z": 0.2, "inception_score": 1 + (final["inception_score"] - 1) * share, "modes_covered": 5.0,
            "on_mode_share": 0.5, "critic_loss": 1.0, "autoencoder_loss": 1.0,
        })  # fmt: skip
    return rows


def make_points(run: dict[str, Any], points: int = 64) -> dict[str, Any]:
    """Points near the five true modes."""
    rng = np.random.default_rng(run["configuration"])
    means = np.array([[0, 0], [2, 2], [-2, -2], [2, -2], [-2, 2]], float)
    drawn = means[rng.integers(5, size=points)] + 0.2 * rng.normal(size=(points, 2))
    return {"run_key": run["run_key"], "points": drawn.astype(np.float32).ravel()}


def write_files(
    directory: Path,
    runs: list[dict[str, Any]],
    study: str = "toy_robustness",
    hyper_parameters: dict[str, str] | None = None,
    points: int = 64,
) -> Path:
    """Writes a store: manifest, runs in two files, and curves and samples of the runs that have them."""
    hyper_parameters = hyper_parameters or HYPER_PARAMETERS
    for name in ("runs", "curves", "samples"):
        (directory / name).mkdir(parents=True)
    manifest = Manifest(study, hyper_parameters, "Is <sVAE-r> steadier than ALICE?")
    (directory / "study.json").write_text(manifest.to_json())
    alive = [run for run in runs if run["outcome"] != "FAILED"]
    kept = [run for run in alive if run["outcome"] == "COMPLETED"]
    half = len(runs) // 2
    schema = runs_schema(hyper_parameters)
    for i, part in enumerate((runs[:half], runs[half:])):
        pq.write_table(pa.Table.from_pylist(part, schema), directory / "runs" / f"{i}.parquet")
    curves = [row for run in alive for row in make_curve(run)]
    pq.write_table(pa.Table.from_pylist(curves, CURVES), directory / "curves" / "0.parquet")
    drawn = [make_points(run, points) for run in kept]
    pq.write_table(pa.Table.from_pylist(drawn, SAMPLES), directory / "samples" / "0.parquet")
    return directory


def make_rows(runs: list[dict[str, Any]], study: str = "toy_robustness") -> Rows:
    """The same rows without a directory, as `analysis.rows.load` would give them."""
    frame = pd.DataFrame(runs)
    for metric in (*METRICS, "diverged_at"):
        frame[metric] = pd.to_numeric(frame[metric]).astype(float)
    curves = pd.DataFrame([row for run in runs if run["outcome"] != "FAILED" for row in make_curve(run)])
    return Rows(
        "memory", Manifest(study, HYPER_PARAMETERS, "?"), int(frame["budget"].iloc[0]), {}, frame, curves
    )


@pytest.fixture
def failing_sections() -> Callable[..., str]:
    """How a report says that a section could not be made."""
    return _FAILURE


@pytest.fixture(autouse=True)
def sections_do_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section that raises fails the test, where a report would say so and go on."""

    def fail(section: object, error: Exception) -> str:
        raise error

    monkeypatch.setattr(contents, "failure", fail)


@pytest.fixture
def run() -> Callable[..., dict[str, Any]]:
    return make_run


@pytest.fixture
def study() -> Callable[..., Rows]:
    return make_rows


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """Writes a store of given rows below a temporary directory and returns its path."""
    return lambda runs, **options: write_files(tmp_path / "toy_robustness", runs, **options)
