"""What a drill leaves behind is ended, and what it measured is written."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.drills.harness import RECORDED, STARTED
from tests.sweeps.conftest import study, uri

__all__ = ["study", "uri"]

OUT = "DRILLS_OUT"
"""Environment variable: file to which measurements are added, a line of JSON each."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        for line in RECORDED:
            if path := os.environ.get(OUT):
                with Path(path).open("a") as stream:
                    stream.write(json.dumps({**line, "passed": report.passed}, ensure_ascii=False) + "\n")
        RECORDED.clear()
    return report


@pytest.fixture(autouse=True)
def no_driver_is_left() -> Iterator[None]:
    yield
    for driver in STARTED:
        if driver.poll() is None:
            driver.kill()
        for stream in (driver.stdout, driver.stderr):
            if stream and not stream.closed:
                stream.close()
        driver.wait()
    STARTED.clear()
