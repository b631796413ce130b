"""Kept models of the best runs, which become MLflow models: `mlflow.pytorch.load_model("runs:/RUN_ID/model")` loads one.

Others stay beside the rows: a model takes 0.05 s, and what is asked of MLflow is which run was best.
"""

from __future__ import annotations

from typing import Any

from result_manifest import Manifest
from result_reading import read_runs
from sweeps.store import kept_models
from sweeps.store.store import Store

TAG = "model"
"""Tag of a run that has its model in MLflow: how to load it."""


def best_kept(directory: str, manifest: Manifest) -> list[str]:
    """Keys of the best run of each algorithm, λ and number of iterations, of those that are kept. Raises OSError."""
    kept = set(kept_models.keys(Store(directory)))
    return (
        [key for key in kept_models.best(read_runs(directory).to_pylist(), manifest) if key in kept]
        if kept
        else []
    )


def read(directory: str, run_key: str) -> Any:
    """The kept model of a run; None where its files are damaged, which `study.model` says. Raises OSError."""
    from trainables.saved_models import files  # torch

    for name, content in kept_models.read(Store(directory), run_key):
        try:
            return files.unpack(content, name)
        except files.ModelFileError:
            continue
    return None


def tags(run_id: str) -> dict[str, str]:
    """Tags of a run in MLflow that has its model there."""
    return {TAG: f'mlflow.pytorch.load_model("runs:/{run_id}/model")'}
