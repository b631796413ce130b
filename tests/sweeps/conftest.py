"""Fixtures of a small study and an MLflow store for it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from tests.sweeps.small_study import SmallStudy, curve, row


@pytest.fixture
def study(tmp_path: Path) -> SmallStudy:
    """Three runs: one COMPLETED with a curve that has a NaN, one DIVERGED, one FAILED."""
    study = SmallStudy(tmp_path / "results of mine" / "toy_robustness")
    points = curve("done")
    points[1]["critic_loss"] = math.nan
    points[0]["mse_x"] = math.inf
    rows = [row("done"), row("gone", "DIVERGED", seed=1), row("failed", "FAILED", seed=2, lam=1.0)]
    study.add(rows, [*points, *curve("gone")])
    return study


@pytest.fixture
def uri(tmp_path: Path, empty_database: Path) -> str:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"
