"""What a web address or a command is told when a study ends, and that nothing that goes wrong there is the study's."""

from __future__ import annotations

import io
import json
import shlex
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from sweeps.cli import notify
from sweeps.cli.ending import INTERRUPTED, TERMINATED, Ending
from sweeps.store.store import Store
from sweeps.strategies.settled import Settled
from tests.sweeps.small_study import SmallStudy, row

STRATEGY = Settled(Counter(COMPLETED=3, DIVERGED=1), None)


@pytest.fixture
def ending(tmp_path: Path) -> Ending:
    study = SmallStudy(tmp_path / "toy_robustness")
    study.add([row("a")])
    console = Console(file=io.StringIO(), soft_wrap=True, highlight=False)
    return Ending("toy_robustness", Store(study.uri), 300, "sqlite:///none.db", "auto", console)


def printed(ending: Ending) -> str:
    assert isinstance(ending.console.file, io.StringIO)
    return ending.console.file.getvalue()


def keeping(file: Path) -> str:
    """A command that keeps what it is told in a file."""
    code = f"import sys, pathlib; pathlib.Path({str(file)!r}).write_text(sys.stdin.read())"
    return shlex.join([sys.executable, "-c", code])


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(0, "finished"), (1, "failed"), (INTERRUPTED, "interrupted"), (TERMINATED, "stopped")],
)
def test_a_command_is_told_how_the_study_ended(
    ending: Ending, tmp_path: Path, code: int, outcome: str
) -> None:
    assert notify.told(keeping(tmp_path / "told"), STRATEGY, ending, lambda: code) == code
    told = json.loads((tmp_path / "told").read_text())
    assert (told["outcome"], told["exit_code"], told["declared"]) == (outcome, code, 4)
    assert told["counts"] == {"COMPLETED": 3, "DIVERGED": 1}
    assert told["text"] == f"toy_robustness {outcome}: 4 of 4 runs (3 COMPLETED, 1 DIVERGED)"
    assert told["report"] is None  # there is none yet
    assert printed(ending) == f"notified  {sys.executable}\n"


def test_what_is_raised_is_told_and_raised(ending: Ending, tmp_path: Path) -> None:
    def work() -> int:
        raise OSError("no room at s3://bucket?token=secret")

    with pytest.raises(OSError, match="no room"):
        notify.told(keeping(tmp_path / "told"), STRATEGY, ending, work)
    told = json.loads((tmp_path / "told").read_text())
    assert (told["outcome"], told["error"]) == ("failed", "OSError: no room at s3://bucket?token=***")


def test_no_hook_tells_nothing(ending: Ending) -> None:
    assert notify.told(None, STRATEGY, ending, lambda: 3) == 3
    assert printed(ending) == ""


class Answering(BaseHTTPRequestHandler):
    """Keeps what is posted, and refuses it below /refused."""

    told: list[bytes]

    def do_POST(self) -> None:
        self.told.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(403 if self.path.startswith("/refused") else 200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Answering.told = []
    with HTTPServer(("127.0.0.1", 0), Answering) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_a_web_address_is_posted_to_and_its_secret_path_is_not_shown(ending: Ending, server: str) -> None:
    (Path(ending.store.path) / "report").mkdir()
    (Path(ending.store.path) / "report" / "report.html").write_text("<p>")
    assert notify.told(f"{server}/hooks/secret", STRATEGY, ending, lambda: 0) == 0
    assert json.loads(Answering.told[0])["report"] == f"{ending.store.path}/report/report.html"
    assert printed(ending) == "notified  http://127.0.0.1/…\n"


@pytest.mark.parametrize("hook", ["address", "false", "gone"])
def test_a_hook_that_fails_is_one_line_and_the_exit_code_is_the_studys(
    ending: Ending, server: str, hook: str
) -> None:
    hook = {"address": f"{server}/refused/secret", "gone": "http://127.0.0.1:9/"}.get(hook, hook)
    assert notify.told(hook, STRATEGY, ending, lambda: 0) == 0
    assert printed(ending).startswith("notify    failed: ")
    assert printed(ending).count("\n") == 1
    assert "secret" not in printed(ending)


@pytest.mark.parametrize("hook", ["ftp://host/secret", "no-such-command-is-here secret", "", "'"])
def test_a_hook_that_is_none_is_refused_at_once(hook: str) -> None:
    with pytest.raises(ValueError, match="--notify must be") as error:
        notify.check(hook)
    assert "secret" not in str(error.value)
    notify.check(None)
    notify.check("https://host/")
