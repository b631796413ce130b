"""Secrets in URIs: hidden wherever a URI is shown, whole where it is used."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sweeps.cli.options import Options
from sweeps.console.errors import check_given
from sweeps.console.masking import masked, without_user
from sweeps.tracking import follower as tracking


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://alice:PASSWORD@127.0.0.1:9", "http://alice:***@127.0.0.1:9"),
        ("http://alice:p@ss@host/x", "http://alice:***@host/x"),
        ("https://token@host", "https://***@host"),
        ("postgresql://bob@host/db?password=x&a=b", "postgresql://bob@host/db?password=***&a=b"),
        ("postgresql+psycopg2://bob:pw@/db?host=/s", "postgresql+psycopg2://bob:***@/db?host=/s"),
        ("no answer of 'http://a:b@c/health'", "no answer of 'http://a:***@c/health'"),
        ("sqlite:////home/a:b@c/mlflow.db", "sqlite:////home/a:b@c/mlflow.db"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
    ],
)
def test_masked_hides_secrets_and_nothing_else(uri: str, shown: str) -> None:
    assert masked(uri) == shown


def test_a_link_has_no_user() -> None:
    assert without_user("http://alice:pw@host:5/x") == "http://host:5/x"
    assert without_user("http://host:5/a@b") == "http://host:5/a@b"


@pytest.mark.parametrize(
    "uri", ["ftp://alice:HIDEWORD@host", "http://alice:HIDE/WORD@host:9", "http://a:HIDEWORD@h\n"]
)
def test_a_refusal_does_not_show_the_password(uri: str) -> None:
    with pytest.raises(ValueError, match="tracking URI must") as refusal:
        tracking.resolve_tracking_uri(uri)
    assert "HIDE" not in str(refusal.value)
    assert "WORD@" not in str(refusal.value)


def test_neither_messages_nor_the_childs_command_line_show_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: dict[str, Any] = {}

    class Child:
        def __init__(self, command: list[str], **options: Any) -> None:
            started.update(options, command=command)

    monkeypatch.setattr(subprocess, "Popen", Child)
    uri = "http://alice:PASSWORD@127.0.0.1:9"
    follower = tracking.start_follower("results/toy", uri)
    follower._output.close()
    assert "PASSWORD" not in " ".join(started["command"])
    assert started["env"]["MLFLOW_TRACKING_URI"] == uri
    assert "PASSWORD" not in tracking.mirror_command("results/toy", uri)
    assert "PASSWORD" not in (tracking.check_tracking(uri) or "")


@pytest.mark.parametrize("mark", ["a%20b", "a?b", "a#b"])
def test_a_working_directory_that_reads_otherwise_in_a_uri_is_refused(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / mark).mkdir()
    monkeypatch.chdir(tmp_path / mark)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ValueError, match="must have none of %"):
        tracking.resolve_tracking_uri()


def test_an_empty_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="--results must not be empty"):
        check_given(Options(results=""))
    with pytest.raises(ValueError, match="--algorithms must not be empty"):
        check_given(Options(algorithms=("alice", " ")))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    with pytest.raises(ValueError, match="tracking URI must not be empty"):
        tracking.resolve_tracking_uri()
