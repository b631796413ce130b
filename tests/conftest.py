"""Settings that every test shares."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.engine.cost import REFERENCE, Speed
from trainables.engine.machine import speed
from trainables.runs import Run

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


BROWSER_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--window-size=2200,1000",
)  # fmt: skip


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


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new MLflow database, to be copied. Creating one takes MLflow seconds, a copy nothing."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Chromium without a window."""
    from selenium import webdriver

    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.fail("this test needs chromium and chromedriver on PATH; `make test-browser` installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()
