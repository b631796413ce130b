"""Thin adapter to MLflow: one experiment, whose runs are identified by their `run_key` and written in batches.

The only module that imports mlflow. Import it late: it takes seconds.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Read by mlflow when it is imported. Without bounds one request to a dead server retries for minutes;
# the mirror has its own retries.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it prints two lines for every run
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}.items():
    os.environ.setdefault(_name, _value)

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

from sweeps.console.masking import masked  # noqa: E402
from sweeps.tracking.follower import sqlite_path  # noqa: E402
from sweeps.tracking.writing.locks import locked  # noqa: E402
from sweeps.tracking.writing.transactions import one_transaction, possible  # noqa: E402

TOGETHER = 50
"""Runs in a transaction; a second of writing, for which others wait who write to the same SQLite file."""

PARAM_LENGTH = 6_000
"""Characters to which parameters are cut: MLflow refuses longer ones."""


class TrackingError(RuntimeError):
    """MLflow cannot be read or written now. Trying again later loses nothing."""


@dataclass(frozen=True)
class DataContent:
    """A data set in MLflow, made by code; one of equal name and digest is the same to it.

    Attributes:
        name, digest: what tells it from others.
        source, schema, profile: in JSON: the code, the tensors of a point, further facts.
    """

    name: str
    digest: str
    source: str
    schema: str
    profile: str


@dataclass(frozen=True)
class RunContent:
    """Content of an MLflow run. Times are in milliseconds since 1970; metrics are finite.

    Attributes:
        metrics: (name, value, time, step).
        status: MLflow's, 'FINISHED' or 'FAILED'.
        data: what it was trained on, where that is one data set.
    """

    name: str
    started: int
    finished: int
    status: str
    params: Mapping[str, str]
    metrics: list[tuple[str, float, int, int]]
    tags: Mapping[str, str]
    data: DataContent | None = None


@dataclass(frozen=True)
class StoredRun:
    """A run in MLflow. It is complete once its writer has set the status, which is the last step."""

    run_id: str
    tags: Mapping[str, str]
    complete: bool


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        message = " ".join(str(error).split())
        if "(Caused by " in message:  # requests wraps the reason in its own history of the call
            message = message.rpartition("(Caused by ")[2].rpartition(": ")[2].rstrip("()\"'")
        raise TrackingError(masked(message)[:300]) from error


class ExperimentStore:
    """MLflow experiment of one study, created if it does not exist."""

    def __init__(self, uri: str, name: str) -> None:
        """Connects. Raises TrackingError if that is not possible now."""
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        path = sqlite_path(uri)
        with _errors(), locked(uri):  # several processes creating one SQLite store at once break it
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._client = MlflowClient(uri)
            self._id = self._open_experiment(name, path)
            self._made = self._client.get_experiment(self._id).creation_time

    def _open_experiment(self, name: str, path: Path | None) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            # MLflow's own default depends on the working directory of whoever comes first
            location = None if path is None else (path.parent / "mlartifacts" / name).as_uri()
            return str(self._client.create_experiment(name, artifact_location=location))
        if experiment.lifecycle_stage != "active":
            self._client.restore_experiment(experiment.experiment_id)  # deleted: its name stays taken
        return str(experiment.experiment_id)

    @property
    def identity(self) -> str:
        """The experiment's, which no other one has, such as one of that number in a store that was lost and made anew."""
        return f"{self._id} {self._made}"

    @property
    def together(self) -> int:
        """Runs that are written in one transaction: several where MLflow is a database."""
        return TOGETHER if possible(self._store) else 1

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Makes all that is written in the block one transaction, where MLflow is a database."""
        with _errors(), one_transaction(self._store):
            yield

    @property
    def _store(self) -> Any:
        return self._client._tracking_client.store

    def mark(self, name: str) -> str:
        """A tag of the experiment; '' where there is none."""
        with _errors():
            return str(self._client.get_experiment(self._id).tags.get(name, ""))

    def set_mark(self, name: str, value: str) -> None:
        """Sets a tag of the experiment."""
        with _errors():
            self._client.set_experiment_tag(self._id, name, value)

    def runs(self, query: str = "") -> Iterator[StoredRun]:
        """Runs of the experiment that are not deleted and match, earliest first."""
        token = None
        while True:
            with _errors():
                page = self._client.search_runs(
                    [self._id], query, run_view_type=ViewType.ACTIVE_ONLY, max_results=1000,
                    order_by=["attributes.start_time ASC"], page_token=token,
                )  # fmt: skip
            for run in page:
                complete = RunStatus.is_terminated(RunStatus.from_string(run.info.status))
                yield StoredRun(run.info.run_id, run.data.tags, complete)
            token = page.token
            if not token:
                return

    def write(self, content: RunContent) -> str:
        """Writes a run; returns its id. Its status stays RUNNING until all else is written."""
        with _errors():
            run = self._client.create_run(self._id, content.started, dict(content.tags), content.name)
            run_id = str(run.info.run_id)
            params = [Param(key, value[:PARAM_LENGTH]) for key, value in content.params.items()]
            self._client.log_batch(run_id, [Metric(*metric) for metric in content.metrics], params)
            if content.data is not None:
                self._client.log_inputs(run_id, [_input(content.data)])
            self._client.set_terminated(run_id, content.status, content.finished)
        return run_id

    def delete(self, run_id: str) -> None:
        with _errors():
            self._client.delete_run(run_id)

    def write_artifacts(self, run_id: str | None, name: str, folder: Path, tags: Mapping[str, str]) -> str:
        """Logs all files of a folder to a run, a new one if `run_id` is None; sets the tags last. Returns its id."""
        with _errors():
            if run_id is None:
                run_id = str(
                    self._client.create_run(self._id, None, {"kind": tags["kind"]}, name).info.run_id
                )
            self._client.update_run(run_id, "RUNNING")
            self._client.log_artifacts(run_id, str(folder))
            self._set_tags(run_id, tags)
            self._client.set_terminated(run_id)
        return run_id

    def write_images(
        self, run_id: str, images: Mapping[str, Any], step: int, finished: int, tags: Mapping[str, str]
    ) -> None:
        """Logs images to a finished run, each under its key, as MLflow's image grid shows them; its status is set last.

        Args:
            images: key -> uint8 array [height, width, 3].
            step: of each, an iteration.
            finished: the run's end, which stays as it was.
            tags: set after the images.
        """
        with _errors():
            self._client.update_run(run_id, "RUNNING")
            for key, image in images.items():
                self._client.log_image(
                    run_id, image, key=key, step=step, timestamp=finished, synchronous=True
                )
            self._set_tags(run_id, tags)
            self._client.set_terminated(run_id, "FINISHED", finished)

    def write_model(self, run_id: str, model: Any, finished: int, tags: Mapping[str, str]) -> None:
        """Logs an `nn.Module` to a finished run, as the artifact `model`; its status is set last.

        MLflow's form of it that keeps the module's own methods is a pickle, which is to be loaded from a store that one trusts.

        Args:
            run_id: of the run.
            model: the module.
            finished: the run's end, which stays as it was.
            tags: set after the model.
        """
        import mlflow.pytorch  # torch

        logging.getLogger("mlflow.pytorch").setLevel(logging.ERROR)  # it warns of pickles each time
        needs = [f"{name}=={version(name).partition('+')[0]}" for name in ("torch", "numpy", "safetensors")]
        with _errors(), tempfile.TemporaryDirectory() as folder:
            mlflow.pytorch.save_model(
                model, f"{folder}/model", pip_requirements=needs, serialization_format="pickle"
            )
            self._client.update_run(run_id, "RUNNING")
            self._client.log_artifacts(run_id, folder)
            self._set_tags(run_id, tags)
            self._client.set_terminated(run_id, "FINISHED", finished)

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Sets tags of a run."""
        with _errors():
            self._set_tags(run_id, tags)

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._client.set_tag(run_id, key, value)

    def describe(self, tags: Mapping[str, str]) -> None:
        """Sets tags of the experiment that are missing or differ."""
        with _errors():
            present = self._client.get_experiment(self._id).tags
            for key, value in tags.items():
                if present.get(key) != value:
                    self._client.set_experiment_tag(self._id, key, value)


@functools.lru_cache(64)
def _input(data: DataContent) -> DatasetInput:
    one = Dataset(data.name, data.digest, "code", data.source, data.schema, data.profile)
    return DatasetInput(one, [InputTag("mlflow.data.context", "training")])


def find_experiment(uri: str, name: str) -> str | None:
    """Id of an experiment, or None. Raises TrackingError if MLflow cannot be reached."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with _errors(), locked(uri):
        experiment = MlflowClient(uri).get_experiment_by_name(name)
    return (
        None
        if experiment is None or experiment.lifecycle_stage != "active"
        else str(experiment.experiment_id)
    )
