"""The UI launcher: what it asks MLflow to show, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from sweeps.tracking import mirror, ui
from sweeps.tracking.shown import views
from tests.sweeps.small_study import MANIFEST_OF_STUDY, SmallStudy, row

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> str:
    """A mirrored store of one run."""
    tmp_path = tmp_path_factory.mktemp("ui")
    study = SmallStudy(tmp_path / "toy_robustness")
    study.add([row("done")])
    shutil.copy(empty_database, tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert mirror.main(mirror.Options(study.uri, tracking_uri=uri)) == 0
    return uri


def test_view_selects_and_orders_the_columns_of_the_comparison() -> None:
    state = json.loads(views.view_tags(MANIFEST_OF_STUDY)["mlflow.sharedViewState.comparison"])
    assert state["selectedColumns"] == [
        "params.`algorithm`", "params.`lam`", "metrics.`mse_x`", "metrics.`inception_score`",
        "metrics.`modes_covered`", "metrics.`on_mode_share`", "tags.`outcome`", "tags.`objective_version`", "tags.`data_version`",
        "attributes.`Dataset`", "params.`width`", "params.`rate`", "params.`note`", "params.`seed`",
    ]  # fmt: skip
    assert state["searchFilter"] == "tags.kind = 'run'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`inception_score`", False)


def test_ui_says_how_to_mirror_when_there_is_no_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"sqlite:///{tmp_path}/none.db"
    assert ui.main(ui.Options(tracking_uri=uri, open=False)) == 2
    assert (
        f"python -m sweeps.tracking.mirror results/toy_robustness --tracking-uri {uri}"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "none.db").exists()


def test_ui_says_how_to_mirror_when_the_study_is_not_there(
    uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ui.main(ui.Options(tracking_uri=uri, study="other", open=False)) == 2
    assert "study 'other' must be in MLflow" in capsys.readouterr().err


def test_ui_names_another_port_when_its_own_is_taken(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ui.main(ui.Options(tracking_uri=uri, port=port, open=False)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"port {port} of 127.0.0.1 must be free" in error
    assert f"--port {port + 1}" in error


def test_ui_says_so_when_the_server_gives_no_answer(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "START_SECONDS", 0.0)
    with pytest.raises(ui.UIError, match=r"did not start \(no answer in 0 s\)"), ui.serve(uri, free_port()):
        pass


@pytest.mark.slow
def test_ui_serves_the_link_until_it_is_interrupted(uri: str) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "sweeps.tracking.ui",
        "--tracking-uri",
        uri,
        "--port",
        str(port),
        "--no-open",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        assert link == f"http://127.0.0.1:{port}/#/experiments/1/runs?viewStateShareKey=comparison"
        with urllib.request.urlopen(link.partition("#")[0], timeout=200) as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert process.returncode == 0
    with socket.socket() as probe:  # free again: the server is gone
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
