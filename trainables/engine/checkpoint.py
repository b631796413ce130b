"""Saves a cohort in training, as bytes or to a directory, and finds it again after a fault or at its next rung."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from trainables.engine.training import VERSION, Training

FILE = "cohort.pt"


class DamagedError(ValueError):
    """A state is cut off, is none, or holds more than tensors and plain values."""


def pack(training: Training, **beside: Any) -> bytes:
    """The state as bytes, with further plain values beside it."""
    stream = io.BytesIO()
    torch.save({**training.state_dict(), **beside}, stream)
    return stream.getvalue()


def read(content: bytes) -> dict[str, Any]:
    """What was packed. Tensors and plain values only: no code in it is run.

    Raises:
        DamagedError: it cannot be read.
    """
    try:
        state = torch.load(io.BytesIO(content), weights_only=True)
        if state.get("version", 1) != VERSION:
            raise ValueError(f"of version {state.get('version', 1)}, this is {VERSION}")
        return {**state, "runs": list(state["runs"]), "iteration": int(state["iteration"])}
    except Exception as error:  # whatever the broken bytes happen to mean to torch
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DamagedError(f"a state must be what training has packed, but it cannot be read ({reason}); "
                           "remove it: what it holds is trained again") from error  # fmt: skip


def unpack(training: Training, contents: Iterable[bytes], renamed: Mapping[str, str] | None = None) -> None:
    """Continue `training` from packed states of cohorts that hold its runs between them, all at one iteration.

    renamed: key of a run -> key that a state may have it under instead.

    Raises ValueError if a run is in none of them, and as `read`.
    """
    now = {stored: key for key, stored in (renamed or {}).items()}
    states = map(read, contents)
    training.load_state_dict(*({**s, "runs": [now.get(key, key) for key in s["runs"]]} for s in states))


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
