"""Files of trained models: safetensors, whose header holds the run's record as JSON. Nothing in them is run when they are read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError

from trainables.cache import replacing
from trainables.saved_models.model import TrainedModel
from trainables.saved_models.record import Record
from trainables.saved_models.weights import Weights

RECORD = "generative_robustness"
"""Entry of a file's header."""

ENDING = ".safetensors"


class ModelFileError(ValueError):
    """A file is no trained model, or is damaged; the message says the rule and the remedy."""


def packed(record: Record, weights: Weights) -> bytes:
    """A file's content."""
    content: bytes = safetensors.torch.save(dict(weights), {"format": "pt", RECORD: record.to_json()})
    return content


def pack(model: TrainedModel) -> bytes:
    """The content of a model's file, with its weights as they are now."""
    return packed(model.record, model.weights)


def unpack(content: bytes, name: str = "the content") -> TrainedModel:
    """The model that a file's content holds.

    Args:
        content: of the file.
        name: of the file, for messages.

    Raises:
        ModelFileError: the content is none, is cut off, or a part of the model is not here.
    """
    try:
        weights = safetensors.torch.load(content)
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelFileError(f"{name} must be a file of a trained model, but it cannot be read ({reason}; {len(content):,} bytes); it is "
                             "cut off or another file: save the run again")  from error  # fmt: skip
    if RECORD not in header:
        raise ModelFileError(f"{name} must be a file of a trained model, but its header has no {RECORD}; it is another's: save a run with "
                             "python -m sweeps.cli.rerun KEY --save FILE")  # fmt: skip
    try:
        return TrainedModel(Record.from_json(header[RECORD]), weights)
    except ValueError as error:
        raise ModelFileError(f"{name} must hold a model of which all parts are here, but {error}") from error


def save(model: TrainedModel, path: str | os.PathLike[str]) -> None:
    """Writes a model's file, whatever its name's ending, in one atomic step. Raises OSError."""
    write(Path(path), pack(model))


def write(path: Path, content: bytes) -> None:
    """Writes a file in one atomic step. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
        temporary.chmod(0o666 & ~_umask())


def load(path: str | os.PathLike[str]) -> TrainedModel:
    """The model that a file holds, on the CPU.

    Raises:
        ModelFileError: as of `unpack`.
        OSError: the file cannot be read.
    """
    return unpack(Path(path).read_bytes(), str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
