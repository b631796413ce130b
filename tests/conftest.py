"""Settings that every test shares."""

from __future__ import annotations

import os

import pytest
import torch

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """As in a trial: results are promised bitwise for one thread."""
    torch.set_num_threads(1)
