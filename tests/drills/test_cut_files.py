"""Drill 4: every file of a study cut off at 20 places, and empty."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from result_manifest import SchemaError, read_manifest
from result_reading import read_curves, read_runs, read_samples
from sweeps.execution import resume
from sweeps.store import lease
from sweeps.store.store import Store
from tests.drills.harness import Drill, record, until

pytestmark = pytest.mark.drill
STUDY = ("--preset", "smoke", "--limit", "4", "--iterations", "600")
READERS = {"runs": read_runs, "curves": read_curves, "samples": read_samples}


def cuts(file: Path) -> list[bytes]:
    """Its content cut at 20 places, the first of which is its beginning."""
    content = file.read_bytes()
    return [content[: len(content) * n // 20] for n in range(20)]


def check(results: Path, file: Path, whole: bytes) -> str:
    """What a study makes of a file that was cut: 'error', 'earlier state' or 'unharmed'; never less."""
    uri, kind = str(results), file.parent.name
    if file.name == "study.json":
        with pytest.raises(SchemaError, match="restore it or choose another"):
            read_manifest(uri)
        return "error"
    if kind == "lease":
        holder, _ = lease.held(Store(uri).filesystem, uri)
        assert holder == "" or "unknown machine" in holder
        return "unharmed"
    rows = {path.name for path in (results / "runs").iterdir()}
    if kind == "states":
        assert file.stem not in {name for _, name in resume.begun(Store(uri), set()).values()}
        assert not file.exists()  # its runs begin anew
        return "earlier state"
    with pytest.raises(SchemaError, match=rf"{file.name} must be a table of {kind}, but it is damaged"):
        READERS[kind](uri)
    file.unlink()  # as the message says
    left = READERS[kind](uri).num_rows
    file.write_bytes(whole)
    assert READERS[kind](uri).num_rows >= left
    assert {path.name for path in (results / "runs").iterdir()} == rows
    return "error"


def test_every_file_cut_at_twenty_places(tmp_path: Path) -> None:
    drill = Drill(tmp_path / "study", *STUDY, checkpoint_seconds=0.3)
    driver = drill.start()
    until(lambda: drill.states() and list((drill.results / "runs").glob("*.parquet")))
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    assert drill.states()
    found: dict[str, int] = {}
    copy = tmp_path / "copy" / "toy_robustness"
    shutil.copytree(drill.results, copy)
    whole = read_runs(str(copy))
    files = [f for f in sorted(copy.rglob("*")) if f.is_file() and f.suffix in (".json", ".parquet", ".pt")]
    for file in files:
        content = file.read_bytes()
        for cut in cuts(file):
            file.write_bytes(cut)
            outcome = check(copy, file, content)
            found[outcome] = found.get(outcome, 0) + 1
            file.write_bytes(content)
            assert read_runs(str(copy)).equals(whole)  # no other file was harmed by looking

    damaged = next((copy / "runs").glob("*.parquet"))
    damaged.write_bytes(b"")
    command = [
        sys.executable,
        "-m",
        "tests.drills.driver",
        *STUDY,
        "--results",
        str(copy.parent),
        "--dry-run",
    ]
    done = subprocess.run(command, env=drill.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{damaged.name} must be a table of runs" in done.stderr

    for state in drill.states():
        state.write_bytes(cuts(state)[10])
    drill.finish()
    drill.assert_complete(limit=4, iterations=600)
    record(
        4, "Every state file cut at 20 offsets, the first of them 0",
        "earlier good state or a clear error, never an empty configuration, never a row lost",
        f"{len(files)} files, {sum(found.values())} cuts: {found.get('error', 0)} clear errors, "
        f"{found.get('earlier state', 0)} begun anew, {found.get('unharmed', 0)} without effect; 0 rows lost",
        "test_cut_files.py::test_every_file_cut_at_twenty_places",
    )  # fmt: skip
    assert {file.parent.name for file in files} >= {"runs", "curves", "samples", "states", "lease"}
