"""The team's tracking server: what it refuses to start with, and a real study through its lock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.tracking.server import (
    Options,
    allowed,
    check_database,
    command,
    main,
    password_of,
    server_environment,
)
from sweeps.toy_robustness import STUDY
from tests.infra.conftest import free_port, started, wait_for_port
from tests.infra.installed import ROOT

PASSWORD = "correct-horse-battery"


@pytest.mark.parametrize(
    "password",
    ["", "short", "password1234", "Password12345!", "changeme2026", "aaaaaaaaaaaaaa", "mlflow123456"],
)
def test_default_and_guessable_passwords_are_refused_at_start(
    password: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", password)
    assert main(Options(tmp_path / "t")) == 2
    error = capsys.readouterr().err
    assert error.startswith("infra.tracking.server: MLFLOW_AUTH_ADMIN_PASSWORD must ")
    assert error.count("\n") == 1
    assert not (tmp_path / "t").exists()
    assert not password or password not in error


def test_password_that_nobody_guesses_is_taken() -> None:
    assert password_of({"MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD}) == PASSWORD


def test_hosts_are_loopback_unless_given() -> None:
    assert allowed(Options(port=5001)) == "127.0.0.1:5001,localhost:5001"
    assert (
        allowed(Options(host="10.0.0.5", allowed_hosts=("a.lab:5000", "b.lab:5000")))
        == "a.lab:5000,b.lab:5000"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            Options(host="0.0.0.0"),
            "--allowed-hosts must be given when --host is not loopback, got --host 0.0.0.0",
        ),
        (Options(allowed_hosts=("*",)), "no patterns, got '\\*'"),
        (Options(allowed_hosts=("a,*",)), "no patterns"),
    ],
)
def test_hosts_that_would_let_anyone_in_are_refused(options: Options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        allowed(options)


def test_database_takes_no_password_on_the_command_line() -> None:
    assert check_database("postgresql://me@db/mlflow") == "postgresql://me@db/mlflow"
    with pytest.raises(ValueError, match="PGPASSFILE"):
        check_database("postgresql+psycopg2://me:secret@db/mlflow")
    with pytest.raises(ValueError, match="must begin with postgresql://, got 'sqlite'"):
        check_database("sqlite:///mlflow.db")


def test_server_has_authentication_and_no_jobs_and_keeps_secrets_off_its_command_line(tmp_path: Path) -> None:
    environment = server_environment(tmp_path, "postgresql://me@db/mlflow", PASSWORD)
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    key = environment["MLFLOW_FLASK_SERVER_SECRET_KEY"]
    assert len(key) == 64
    assert (
        key
        == server_environment(tmp_path, "postgresql://me@db/mlflow", PASSWORD)[
            "MLFLOW_FLASK_SERVER_SECRET_KEY"
        ]
    )
    assert {(path.stat().st_mode & 0o077) for path in tmp_path.iterdir()} == {0}
    words = command(Options(tmp_path), "postgresql://me@db/mlflow")
    assert words[words.index("--app-name") + 1] == "basic-auth"
    assert not {PASSWORD, key} & set(words)


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """A running server, with PostgreSQL of its own; its address and process id."""
    folder = Path(tempfile.mkdtemp(prefix="gr-", dir="/tmp"))  # short, and passable for PostgreSQL's account
    folder.chmod(0o711)
    port = free_port()
    words = [sys.executable, "-m", "infra.tracking.server", "--directory", str(folder / "t"), "--port", str(port), "--workers", "1"]  # fmt: skip
    process = started(words, folder / "log", {**os.environ, "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD})
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}", process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(600) == 0, (folder / "log").read_text()
        assert not (folder / "t" / "data" / "postmaster.pid").exists(), "PostgreSQL still runs"
        assert PASSWORD not in (folder / "log").read_text()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(600)
        shutil.rmtree(folder, ignore_errors=True)


def ask(url: str, body: dict[str, object] | None = None, user: str = "", host: str = "") -> tuple[int, bytes]:
    """Status and answer; `user` is NAME:PASSWORD, `host` a Host header."""
    headers = {"Content-Type": "application/json"}
    if user:
        headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    if host:
        headers["Host"] = host
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.cluster
def test_study_is_mirrored_through_the_lock_and_others_are_kept_out(
    server: tuple[str, int], tmp_path: Path
) -> None:
    url, pid = server
    api = f"{url}/api/2.0/mlflow"
    admin = f"admin:{PASSWORD}"
    name, password = "student", "a-good-long-password"
    assert ask(f"{url}/health")[0] == 200
    assert ask(f"{api}/users/create", {"username": name, "password": password}, admin)[0] == 200

    arguments = ["--preset", "smoke", "--limit", "3", "--iterations", "40", "--tracking-uri", url]
    variables = {**os.environ, "MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}
    done = subprocess.run(
        [sys.executable, str(ROOT / "sweeps/toy_robustness.py"), *arguments],
        cwd=tmp_path, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MLflow    mirrored: 6 written" in done.stdout
    assert password not in done.stdout + done.stderr

    status, answer = ask(
        f"{api}/experiments/get-by-name?experiment_name=toy_robustness", user=f"{name}:{password}"
    )
    experiment = json.loads(answer)["experiment"]
    search: dict[str, object] = {"experiment_ids": [experiment["experiment_id"]], "max_results": 100}
    status, answer = ask(f"{api}/runs/search", search, f"{name}:{password}")
    runs = json.loads(answer)["runs"]
    tags = [{tag["key"]: tag["value"] for tag in run["data"]["tags"]} for run in runs]
    declared = STUDY.runs(STUDY.preset("smoke", limit=3, iterations=40))
    assert Counter(t["run_key"] for t in tags if "run_key" in t) == {run.key: 1 for run in declared}
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    report = next(run["info"] for run, t in zip(runs, tags, strict=True) if t.get("kind") == "report")
    assert report["artifact_uri"].startswith("mlflow-artifacts:")
    listed = json.loads(ask(f"{api}/artifacts/list?run_id={report['run_id']}", user=f"{name}:{password}")[1])
    assert "report.html" in {file["path"] for file in listed["files"]}

    create: dict[str, object] = {"name": "intruder"}
    artifact = f"{url}/api/2.0/mlflow-artifacts/artifacts/{report['artifact_uri'].split(':/')[1].lstrip('/')}/report.html"
    assert ask(f"{api}/experiments/create", create)[0] == 401
    assert ask(f"{api}/experiments/create", create, "admin:password1234")[0] == 401
    assert ask(f"{api}/experiments/create", create, f"{name}:wrong")[0] == 401
    assert ask(f"{api}/runs/search", search)[0] == 401
    assert ask(f"{api}/runs/delete", {"run_id": report["run_id"]})[0] == 401
    assert ask(artifact)[0] == 401
    assert ask(artifact, user=f"{name}:{password}")[0] == 200
    assert ask(f"{api}/experiments/create", create, admin, host="evil.example")[0] == 403
    job: dict[str, object] = {"job_name": "invoke_scorer", "params": {}}
    assert ask(f"{url}/ajax-api/3.0/jobs/", job)[0] == 401
    status, answer = ask(f"{url}/ajax-api/3.0/jobs/", job, admin)
    assert status >= 400
    assert b"'MLFLOW_SERVER_ENABLE_JOB_EXECUTION' to 'true' to enable it" in answer
    status, answer = ask(f"{api}/experiments/get-by-name?experiment_name=intruder", user=admin)
    assert status == 404, answer
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert children
    for child in children:
        assert PASSWORD.encode() not in Path(f"/proc/{child}/cmdline").read_bytes()
