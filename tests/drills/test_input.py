"""Drill 15: names, URIs, links, long and unprintable values, a payload in a state, and a secret in the environment."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from sweeps.cli import main
from sweeps.study import Study
from sweeps.toy_robustness import STUDY
from sweeps.tracking import mirror
from tests.drills.harness import ROOT, Drill, record
from tests.sweeps.small_study import SmallStudy, curve, row, search

LONG = "x" * 10_000
CONTROL = "a\x1b[31mb\x00c\nd"


NAMES = ["", "../up", "a/b", "a\\b", "a b", "ü", "nul\0", "esc\x1b[31m", "line\n", LONG, "x" * 101]


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_not_called_so(name: str) -> None:
    with pytest.raises(ValueError, match="a study's name must") as error:
        Study(name, "?", {"depth": (2,)}, ("alice",))
    assert len(str(error.value)) < 300


ARGUMENTS = [
    ["--results", "file:///tmp/drill/../../etc"],
    ["--results", "s3://bucket/a/%2e%2e/other"],
    ["--results", CONTROL],
    ["--results", LONG],
    ["--tracking-uri", f"ftp://{LONG}"],
    ["--tracking-uri", CONTROL],
    ["--data", "../../etc/passwd"],
    ["--algorithms", LONG],
    ["--preset", CONTROL],
    ["--address", "\x1b]0;title\x07:1"],
    ["--lambdas", "1e999"],
    ["--seeds", "9" * 10_000],
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_bad_values_get_one_short_printable_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(STUDY, arguments)
    line = capsys.readouterr().err
    assert end.value.code == 2
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()
    assert len(line) < 1_100
    assert list(tmp_path.iterdir()) == []


@pytest.mark.drill
def test_long_and_unprintable_values_are_mirrored_and_reported_as_text(study: SmallStudy, uri: str) -> None:
    script = "<script>alert(1)</script>"
    study.add([row("long", "DIVERGED", seed=7, note=LONG), row("odd", "FAILED", seed=8, note=CONTROL, error=f"{script}{CONTROL}{LONG}")],
              curve("long"))  # fmt: skip
    manifest = study.directory / "study.json"
    manifest.write_text(manifest.read_text().replace("Does sVAE-r", f"{script} Does sVAE-r"))
    command = [sys.executable, "-m", "analysis.report", study.uri]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    private = study.directory.parent / "private"
    private.write_text("nobody else's")
    (study.directory / "report" / "link.txt").symlink_to(private)
    assert mirror.main(mirror.Options(study.uri, tracking_uri=uri)) == 0
    runs = search(uri)
    assert len(runs["long"].data.params["note"]) == 6_000
    assert len(runs["odd"].data.tags["error"]) == 1_000
    page = (study.directory / "report" / "report.html").read_text()
    assert script not in page
    assert "&lt;script&gt;" in page
    (report,) = search(uri, "tags.kind = 'report'").values()
    artifacts = Path(report.info.artifact_uri.removeprefix("file://"))
    assert (artifacts / "report.html").is_file()
    assert not (artifacts / "link.txt").exists()


class Payload:
    """Runs code when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.marker,))


def occurrences(secret: str, *folders: Path) -> list[str]:
    """Files below these folders in which it stands, Parquet's as it is read."""
    found = []
    for path in (p for folder in folders for p in folder.rglob("*") if p.is_file()):
        content = (
            str(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else path.read_bytes()
        )
        if secret.encode() in content:
            found.append(str(path))
    return found


@pytest.mark.drill
def test_planted_code_is_not_run_and_a_planted_secret_is_nowhere(tmp_path: Path) -> None:
    secret, token = secrets.token_hex(16), secrets.token_hex(32)
    drill = Drill(tmp_path / "study", "--preset", "smoke", "--limit", "2", checkpoint_seconds=0.2)
    drill.environment |= {
        "AWS_SECRET_ACCESS_KEY": secret,
        "MLFLOW_TRACKING_PASSWORD": secret,
        "RAY_AUTH_TOKEN": token,
    }
    states = drill.results / "states"
    states.mkdir(parents=True)
    (drill.results / "runs").mkdir()
    (drill.results / "study.json").write_text(_manifest(tmp_path))
    torch.save({"runs": Payload(tmp_path / "ran"), "iteration": 20}, states / "begun-0000000000000000.pt")
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (states / "begun-1111111111111111.pt").symlink_to(precious)
    (drill.results / "lease").mkdir()
    (drill.results / "lease" / "00000001.stop").symlink_to(precious)

    started = time.time()
    output = drill.finish()
    drill.assert_complete(limit=2)
    (tmp_path / "study" / "printed").write_text(output)
    ray = [folder for folder in Path("/tmp/ray").glob("session_2*") if folder.stat().st_mtime >= started]
    found = [place for s in (secret, token) for place in occurrences(s, tmp_path / "study", *ray)]
    checked = sum(p.is_file() for folder in (tmp_path / "study", *ray) for p in folder.rglob("*"))
    record(
        15, "Hostile names, URIs, links, values; a payload in a state; a secret in the environment",
        "refused in one line or kept as text; payload not executed; secret in no log, tag, param, row or report",
        f"{len(NAMES) + len(ARGUMENTS)} names and values, each refused in a test of its own; payload executed {int((tmp_path / 'ran').exists())} times, the study complete "
        f"without it; what links point to is unchanged; {len(found)} of {checked:,} files hold the secret",
        "test_input.py",
    )  # fmt: skip
    assert ray
    assert not (tmp_path / "ran").exists()
    assert precious.read_text() == "precious"
    assert found == []


def _manifest(where: Path) -> str:
    from sweeps.store.store import Store

    store = Store(str(where / "manifest"))
    store.create(STUDY.name, STUDY.question)
    return (where / "manifest" / "study.json").read_text()
