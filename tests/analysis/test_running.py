"""The line in a report that is made while its study trains."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import result_progress
from analysis import contents
from analysis.findings.progress import so_far
from analysis.rows import load
from result_files import open_directory
from result_progress import Progress
from tests.analysis.conftest import _START, make_run, write_files

NOW = _START + timedelta(seconds=30)
AT_WORK = Progress(
    total=1_000, already=1, done=0, unit="runs", may_end=False, budgets=(300,), diverged=0, running=4, slots=2,
    slots_in_use=2, device="cpu", seconds_left=None, error="", lease=1, started_at=_START + timedelta(seconds=2),
    written_at=NOW - timedelta(seconds=10),
)  # fmt: skip


@pytest.fixture
def where(tmp_path: Path) -> str:
    """Runs that ended 0, 1, 2, … 5 seconds after the start of all, one of them FAILED."""
    outcomes = ["COMPLETED"] * 4 + ["DIVERGED", "FAILED"]
    return str(write_files(tmp_path / "s", [make_run("alice", n, outcome=o) for n, o in enumerate(outcomes)]))


def test_a_report_says_how_much_was_trained_when_it_was_made(where: str) -> None:
    assert so_far(load(where), NOW) == ""
    result_progress.keep(*open_directory(where), AT_WORK)
    # One before, and those of the seconds 2, 3 and 4, which are results.
    words = "4 of 1,000 runs; this report was made while the study was running."
    assert so_far(load(where), NOW) == words
    later = NOW + timedelta(hours=1)
    assert so_far(load(where), later) == words.replace(
        "while the study was running", "before the study was finished"
    )


@pytest.mark.parametrize(
    "changes",
    [{"total": 4}, {"done": 1_000}, {"budgets": (600,)}, {"unit": "rungs"}, {"ended": True, "may_end": True}],
)
def test_a_report_says_nothing_where_all_is_trained_or_it_cannot_be_told(
    where: str, changes: dict[str, Any]
) -> None:
    result_progress.keep(*open_directory(where), replace(AT_WORK, **changes))
    assert so_far(load(where), NOW) == ""


def test_the_line_stands_at_the_top_of_the_report(where: str) -> None:
    result_progress.keep(*open_directory(where), replace(AT_WORK, ended=True))
    page = contents.build(load(where)).files["report.html"].decode()
    assert "4 of 1,000 runs; this report was made before the study was finished." in page
