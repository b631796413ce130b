"""A small study on disk, made from the result schema alone, and what MLflow holds of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from result_manifest import MANIFEST, Manifest
from result_pictures import EXEMPLARS, table
from result_schema import CURVES, LOSSES, METRICS, SAMPLES, runs_schema

MANIFEST_OF_STUDY = Manifest(
    study="toy_robustness",
    hyper_parameters={"width": "int", "rate": "float", "note": "str"},
    question="Does sVAE-r reconstruct as well as ALICE while generating better?",
)
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BUDGET = 300


def row(run_key: str, outcome: str = "COMPLETED", **changes: Any) -> dict[str, Any]:
    """A row of `runs`; a run without a result has null metrics."""
    has_result = outcome in ("COMPLETED", "STOPPED")
    fields = {
        "run_key": run_key, "study": MANIFEST_OF_STUDY.study, "algorithm": "svae_r", "lam": 0.1, "seed": 0,
        "configuration": 417, "configuration_key": "c417", "budget": BUDGET, "data_version": "1",
        "width": 64, "rate": 1e-3, "note": "",
        "outcome": outcome, "diverged_at": 17 if outcome == "DIVERGED" else None,
        "iterations": 17 if outcome == "DIVERGED" else BUDGET,
        "mse_x": 0.02, "mse_z": 0.5, "inception_score": 4.7, "modes_covered": 5.0, "on_mode_share": 0.9,
        "error": "RuntimeError: no" if outcome == "FAILED" else None, "train_seconds": 2.5, "device": "cpu",
        "cohort_key": "abc", "cohort_size": 8, "sampler": None, "git_commit": "0" * 40, "versions": "{}",
        "started_at": STARTED, "finished_at": STARTED + timedelta(seconds=30),
    }  # fmt: skip
    return {**fields, **({} if has_result else dict.fromkeys(METRICS)), **changes}


def curve(run_key: str, points: int = 3, **changes: Any) -> list[dict[str, Any]]:
    """A learning curve whose every value is the number of its point: 1, 2, …"""
    names = (*METRICS, *LOSSES)
    steps = [BUDGET * n // points for n in range(1, points + 1)]
    return [
        {"run_key": run_key, "iteration": step, **dict.fromkeys(names, float(n)), **changes}
        for n, step in enumerate(steps, start=1)
    ]


class SmallStudy:
    """A study's directory that rows can be added to as a training cohort does: curves first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.uri = str(directory)
        self._numbers = itertools.count()
        for name in ("runs", "curves"):
            (directory / name).mkdir(parents=True)
        (directory / MANIFEST).write_text(MANIFEST_OF_STUDY.to_json())

    def add(self, rows: Sequence[dict[str, Any]], curves: Sequence[dict[str, Any]] = ()) -> None:
        name = f"{next(self._numbers)}.parquet"
        self._write(f"curves/{name}", pa.Table.from_pylist(list(curves), schema=CURVES))
        self._write(
            f"runs/{name}",
            pa.Table.from_pylist(list(rows), schema=runs_schema(MANIFEST_OF_STUDY.hyper_parameters)),
        )

    def _write(self, path: str, table: pa.Table) -> None:
        temporary = self.directory / f"{path}.tmp"
        pq.write_table(table, temporary)
        temporary.rename(self.directory / path)


def image_study(directory: Path) -> SmallStudy:
    """Four runs on images of 4×4, of which `d` has no pictures."""
    study, keys = SmallStudy(directory), ("a", "b", "c", "d")
    (study.directory / "study.json").write_text(replace(MANIFEST_OF_STUDY, shape=(4, 4)).to_json())
    study.add([row(key, configuration=n) for n, key in enumerate(keys)])
    draw = np.random.default_rng(0)
    kinds = {"samples": (16, 4, 4), "reconstructions": (8, 2, 4, 4)}
    drawn = {
        key: {kind: draw.integers(256, size=shape, dtype=np.uint8) for kind, shape in kinds.items()}
        for key in keys[:3]
    }
    (study.directory / "pictures").mkdir()
    pq.write_table(table(drawn), study.directory / "pictures" / "0.parquet")
    (study.directory / "report").mkdir()
    (study.directory / "report" / "report.html").write_text("<p>")
    return study


def with_samples(study: SmallStudy, run_keys: Sequence[str]) -> None:
    """Stores points that these runs generated, in the plane."""
    draw = np.random.default_rng(0)
    rows = [
        {"run_key": key, "points": draw.normal(size=(64, 2)).astype(np.float32).ravel()} for key in run_keys
    ]
    (study.directory / "samples").mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SAMPLES), study.directory / "samples" / "0.parquet")


def show(study: SmallStudy, ranks: Mapping[str, list[str]]) -> None:
    """Writes a report that shows these runs."""
    (study.directory / "report" / EXEMPLARS).write_text(json.dumps(ranks))


def mlflow_client(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(uri)


def search(uri: str, query: str = "tags.kind = 'run'") -> dict[str, Any]:
    """Runs that match, by run key; fails when one is there twice."""
    experiment = mlflow_client(uri).get_experiment_by_name("toy_robustness")
    runs = mlflow_client(uri).search_runs([experiment.experiment_id], query)
    found = {run.data.tags.get("run_key", "report"): run for run in runs}
    assert len(found) == len(runs)
    return found
