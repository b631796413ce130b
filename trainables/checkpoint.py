"""Saves a cohort in training, as bytes or to a directory, and finds it again after a fault or at its next rung."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from trainables.training import Training

FILE = "cohort.pt"


def pack(training: Training) -> bytes:
    """The state as bytes."""
    stream = io.BytesIO()
    torch.save(training.state_dict(), stream)
    return stream.getvalue()


def unpack(training: Training, contents: Iterable[bytes]) -> None:
    """Continue `training` from packed states of cohorts that hold its runs between them, all at one iteration.

    Tensors and plain values only: no code in them is run. Raises ValueError if a run is in none of them, and
    what torch.load raises if one cannot be read.
    """
    training.load_state_dict(*(torch.load(io.BytesIO(content), weights_only=True) for content in contents))


def save(training: Training, directory: str | os.PathLike[str]) -> None:
    """Write the state to `directory`/cohort.pt in one atomic step: a kill leaves the last one whole."""
    path = Path(directory) / FILE
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as stream:
        stream.write(pack(training))
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def load(training: Training, directory: str | os.PathLike[str]) -> None:
    """Continue `training` from `directory`, as `unpack`."""
    unpack(training, [(Path(directory) / FILE).read_bytes()])
