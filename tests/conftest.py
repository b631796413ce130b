"""Settings that every test shares."""

from __future__ import annotations

import gc
import os

import pytest
import torch

from trainables.engine.cost import REFERENCE, Speed
from trainables.engine.machine import speed
from trainables.runs import Run

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """As in a trial: results are promised bitwise for one thread."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """Numbers that a test draws from torch's own generator are the same each time."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="module")
def what_is_loaded_stays() -> None:
    """Spares the collector, which training calls, all that was imported and traced before: seconds in a long process."""
    gc.freeze()


@pytest.fixture(autouse=True)
def reference_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forecasts are of the reference processor: a test measures no machine."""

    def of(run: Run, cores: int) -> Speed:
        return REFERENCE

    monkeypatch.setattr(speed, "of", of)
