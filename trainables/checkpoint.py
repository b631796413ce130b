"""Saves a cohort in training to a directory, and finds it again after a fault."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from trainables.training import Training

FILE = "cohort.pt"


def save(training: Training, directory: str | os.PathLike[str]) -> None:
    """Write the state to `directory`/cohort.pt in one atomic step: a kill leaves the last one whole."""
    path = Path(directory) / FILE
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as stream:
        torch.save(training.state_dict(), stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def load(training: Training, directory: str | os.PathLike[str]) -> None:
    """Continue `training` from `directory`. Tensors and plain values only: no code in it is run.

    Raises ValueError if the checkpoint is of other runs, and what torch.load raises if it cannot be read.
    """
    training.load_state_dict(torch.load(Path(directory) / FILE, weights_only=True))
