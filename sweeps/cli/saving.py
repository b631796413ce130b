"""The model of a run that was trained again, as a file: what is checked before it trains, and what is written after."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from result_schema import Outcome
from sweeps.store import provenance

if TYPE_CHECKING:
    from trainables.engine.training import Training


def check_has_model(row: Mapping[str, Any]) -> None:
    """Raises ValueError where a run diverged: it came to no model."""
    if row["outcome"] == Outcome.DIVERGED:
        raise ValueError(f"run {row['run_key']} must have trained to its end to have a model, but it diverged after "
                         f"{row['diverged_at']} iterations; choose another run")  # fmt: skip


def check_place(path: str) -> None:
    """Raises ValueError where no file can be written at a path: before training rather than after."""
    place = Path(path)
    if place.is_dir() or not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
        raise ValueError(
            f"--save must name a file in a folder that can be written, got {path}; make the folder, or choose another"
        )


def content_of(training: Training, device: str) -> bytes:
    """The file of the model that a run trained alone came to.

    Raises:
        ValueError: it diverged.
    """
    from trainables.saved_models import files, weights
    from trainables.saved_models.record import Record

    origin = (device, provenance.git_commit(), provenance.versions())
    record = Record.of(training, training.results()[0], *origin)
    return files.packed(record, weights.of_member(training.cohort, 0))


def save(training: Training, device: str, path: str) -> None:
    """Writes the file in one atomic step. Raises as `content_of`, and OSError."""
    from trainables.saved_models import files

    files.write(Path(path), content_of(training, device))
