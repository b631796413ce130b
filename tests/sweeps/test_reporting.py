"""The report at the end of a study's command, made by a process of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sweeps.cli.reporting import FAILURE, Reported, Reporting
from sweeps.store.store import Store
from tests.analysis.conftest import make_run, write_files

ROOT = Path(__file__).parents[2]


def reported(where: Path, section: str, monkeypatch: pytest.MonkeyPatch) -> Reported:
    """End of the report of a study that names a section."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "somebodys"))))
    write_files(where, [make_run(name, i) for name in ("svae_r", "alice") for i in range(2)])
    manifest = json.loads((where / "study.json").read_text())
    (where / "study.json").write_text(json.dumps(manifest | {"sections": [section]}))
    return Reporting(Store(str(where)), 300, None).finish()


def test_report_with_a_section_that_fails_is_there_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = reported(tmp_path / "s", "my_lab.sections:Failing", monkeypatch)
    assert (end.error, len(end.failures), end.whole) == ("", 1, False)
    assert end.failures[0].startswith(f"{FAILURE}failing (my_lab.sections:Failing) could not be made: Zero")
    assert (tmp_path / "s" / "report" / "report.html").exists()


def test_report_with_a_section_that_is_none_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = reported(tmp_path / "s", "my_lab.broken:Cost", monkeypatch)
    assert "no licence for this machine" in end.error
    assert end.failures == ()
    assert not (tmp_path / "s" / "report").exists()
