"""Kept models of the best runs as MLflow models, which `mlflow.pytorch.load_model("runs:/RUN_ID/model")` loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sweeps.store import kept_models
from sweeps.store.store import Store
from sweeps.tracking.contents import StudyRows, milliseconds

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import ExperimentStore

TAG = "model"
"""Tag of a run that has its model in MLflow: how to load it."""


def mirror_models(rows: StudyRows, store: ExperimentStore, run_ids: Mapping[str, str]) -> None:
    """Logs the kept models of the best run of each algorithm, λ and number of iterations to their runs, where they are not there yet.

    Others stay beside the rows: a model takes 0.05 s, and what is asked of MLflow is which run was best.

    Args:
        rows: of the study.
        store: its experiment.
        run_ids: run key -> id in MLflow, of runs that are this directory's.

    Raises:
        TrackingError, OSError: call again later.
    """
    kept = Store(rows.directory)
    there = set(kept_models.keys(kept)) & run_ids.keys()
    if not there:
        return
    done = {run.run_id for run in store.runs(f"tags.{TAG} != ''")}
    every = [row for row, _ in rows.select(list(run_ids))]
    first = there & set(kept_models.best(every, rows.manifest))
    for row in every:
        key = row["run_key"]
        if key in first and run_ids[key] not in done:
            _log(kept, store, key, run_ids[key], milliseconds(row["finished_at"]))


def _log(kept: Store, store: ExperimentStore, run_key: str, run_id: str, finished: int) -> None:
    from trainables.saved_models import files  # torch

    for name, content in kept_models.read(kept, run_key):
        try:
            model = files.unpack(content, name)
        except files.ModelFileError:
            continue  # a study's own call says so where it reads the model
        store.write_model(
            run_id, model, finished, {TAG: f'mlflow.pytorch.load_model("runs:/{run_id}/model")'}
        )
        return
