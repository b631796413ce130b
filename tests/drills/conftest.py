"""What a drill leaves behind is ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drills.harness import STARTED
from tests.sweeps.conftest import empty_database, study, uri

__all__ = ["empty_database", "study", "uri"]


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
