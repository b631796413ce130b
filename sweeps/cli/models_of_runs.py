"""The trained model of a stored run: as it was kept, or trained again."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from result_manifest import read_manifest
from result_pictures import read_pictures
from sweeps.cli import rerun, saving
from sweeps.store import kept_models
from sweeps.store.store import Store
from trainables.runs import Run
from trainables.saved_models import TrainedModel, files


def model_of(results: str, run_key: str, device: str) -> TrainedModel:
    """The model of a run, on the CPU.

    Args:
        results: directory or URI of the study.
        run_key: of the run.
        device: to train it on again, where it was not kept.

    Raises:
        ValueError: as of `rerun.find`, or the run diverged.

    Warns:
        UserWarning: a model that was kept is not the row's or is damaged, or one that is trained again is not equal to the row.
    """
    run, row = rerun.find(results, run_key)
    saving.check_has_model(row)
    return _kept(results, row) or _trained_again(results, run, row, device)


def _kept(results: str, row: Mapping[str, Any]) -> TrainedModel | None:
    """The kept model, if there is one and it came to the metrics of the row."""
    for name, content in kept_models.read(Store(results), row["run_key"]):
        try:
            model = files.unpack(content, name)
        except files.ModelFileError as error:
            warnings.warn(str(error), stacklevel=4)
            continue
        record = model.record
        measured = {metric: row.get(metric) for metric in record.metrics}
        if (record.key, record.iterations, record.metrics) == (row["run_key"], row["iterations"], measured):
            return model
    return None


def _trained_again(results: str, run: Run, row: Mapping[str, Any], device: str) -> TrainedModel:
    print(
        f"run {row['run_key']} was not kept as it trained: it trains again, which took {row['train_seconds']:.1f} s in its cohort"
    )
    training = rerun.again(results, run, row, device)
    pictures = read_pictures(results, [row["run_key"]]).get(row["run_key"])
    metrics = read_manifest(results).metrics
    unequal = rerun.differences(row, training.results()[0], metrics, pictures)
    if unequal:
        other, _ = rerun.environment(row, device, training.arithmetic)
        words = ", ".join(f"{name} ({then} then, {now} now)" for name, (then, now) in other.items())
        warnings.warn(
            f"the model of run {row['run_key']} must be equal to its row to the bit, but {', '.join(unequal)} differ; the environment is "
            f"{f'another one: {words}' if words else 'the same as far as the row says'}",
            stacklevel=4,
        )
    return files.unpack(saving.content_of(training, device))
