"""The record of a trained model: of which run it is, and where and how well it was trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trainables.engine.training import Result, Training

FORMAT = 1
"""Version of files of models."""


@dataclass(frozen=True)
class Record:
    """What a file says of its model, beside the weights.

    Attributes:
        key: of the run (`Run.key`).
        run: the run as plain values (`Run.to_dict`).
        data_version: of the data set that it was trained on.
        version: of its objective.
        iterations: iterations trained.
        metrics: name -> value after the last of them, as in the run's row.
        measures: names or import paths of the metrics that were asked for.
        device: on which it was trained.
        commit: of the code.
        versions: package -> version, and the arithmetic by which it was trained.
        format: version of the file's form.
    """

    key: str
    run: Mapping[str, Any]
    data_version: str
    version: int
    iterations: int
    metrics: Mapping[str, float]
    measures: tuple[str, ...]
    device: str
    commit: str
    versions: Mapping[str, str]
    format: int = FORMAT

    @classmethod
    def of(
        cls, training: Training, result: Result, device: str, commit: str, versions: Mapping[str, str]
    ) -> Record:
        """The record of one result of a training that is finished.

        Raises:
            ValueError: the run diverged, and so came to no model.
        """
        run = result.run
        if result.diverged_at:
            raise ValueError(f"a run must have trained to its end to have a model, but {run.key} diverged after {result.diverged_at} "
                             "iterations; take another run")  # fmt: skip
        return cls(
            key=run.key,
            run=run.to_dict(),
            data_version=run.dataset.version,
            version=run.version,
            iterations=result.iterations,
            metrics=dict(result.metrics or {}),
            measures=tuple(metric.reference for metric in training.evaluation.metrics),
            device=device,
            commit=commit,
            versions={**versions, **training.arithmetic},
        )

    def to_json(self) -> str:
        """The record as text; an infinite metric is Infinity, as Python's json has it."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The record that a text holds.

        Raises:
            ValueError: the text is no record, or one of another format.
        """
        try:
            values = json.loads(text)
            found = cls(**{**values, "measures": tuple(values["measures"])})
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"its record cannot be read: {error}") from error
        if found.format != FORMAT:
            raise ValueError(f"its record is of format {found.format}, this is {FORMAT}")
        return found
