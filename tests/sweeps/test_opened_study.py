"""A study in Python: the command line's options and errors, real Ray twice in one process, Ctrl-C, and what is read of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from result_manifest import SchemaError
from sweeps.cli import StudyError, open_study, opened_study
from sweeps.cli.ending import INTERRUPTED, TERMINATED
from sweeps.cli.options import of_keywords, parse
from sweeps.store.lease import Fenced
from sweeps.study import Preset, Study
from sweeps.toy_robustness import STUDY

ROOT = Path(__file__).parents[2]
PAPER = str(ROOT / "docs")


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({}, []),
        ({"preset": "smoke", "limit": 4, "seeds": 2}, ["--preset", "smoke", "--limit", "4", "--seeds", "2"]),
        ({"lambdas": (0.1, 1e-7)}, ["--lambdas", "0.1", "1e-07"]),
        ({"lambdas": 0.1, "algorithms": ["alice"]}, ["--lambdas", "0.1", "--algorithms", "alice"]),
        ({"set": {"width": (32, 64), "beta1": 0.5}}, ["--set", "width", "32", "64", "--set", "beta1", "0.5"]),
        ({"dry_run": True, "simulate": range(1, 3)}, ["--dry-run", "--simulate", "1", "2"]),
        ({"dry_run": False, "seeds": None, "metrics": ()}, []),
        ({"scale_to": (64, 0), "address": "auto"}, ["--scale-to", "64", "0", "--address", "auto"]),
    ],
)
def test_keywords_are_read_as_the_options_of_the_command_line(
    keywords: dict[str, Any], words: list[str]
) -> None:
    assert of_keywords(STUDY, keywords) == parse(STUDY, words)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"lambda_": 0.1}, ["an option must be one of preset, algorithms", "got 'lambda_'; did you mean lambdas?"]),
        ({"seeds": "few"}, ["--seeds", "few"]),
        ({"seeds": 0}, ["seeds must be >= 1, got 0"]),
        ({"preset": "tiny"}, ["preset must be one of smoke, embedded, paper, got 'tiny'"]),
        ({"set": ("width", 32)}, ["set must be hyper-parameter -> levels, such as", "got ('width', 32)"]),
        ({"set": {"width": 32.5}}, ["width must be int, got '32.5'"]),
        ({"algorithms": "gann"}, ["algorithm must be one of", "'gann'"]),
        ({"search": "tpe"}, ["search must be given to open_study, whose folder it decides", "'tpe'"]),
        ({"tracking_uri": "ftp://me:secret@host\nand more"}, ["tracking URI must have no control characters"]),
    ],
)  # fmt: skip
def test_a_bad_keyword_is_an_exception_of_one_line_and_nothing_is_written(
    keywords: dict[str, Any], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        open_study(STUDY).run(**keywords)
    for word in words:
        assert word in str(error.value)
    assert "secret" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_opened_is_told_by_results_data_and_search(tmp_path: Path) -> None:
    assert open_study(STUDY).uri == "results/toy_robustness"
    assert open_study(STUDY, results=tmp_path).uri == f"{tmp_path}/toy_robustness"
    assert open_study(STUDY, data="digits", search="tpe").uri == "results/toy_robustness-digits-search"
    with pytest.raises(ValueError, match=r"--results|results"):
        open_study(STUDY, results="")
    with pytest.raises(ValueError, match=r"got 'result'; did you mean results\?"):
        open_study(STUDY, result="results")


def test_tables_of_a_study_that_is_stored() -> None:
    study = open_study(Study("paper_study", "?", STUDY.space, STUDY.algorithms, STUDY.presets), results=PAPER)
    with pytest.raises(SchemaError, match="holds the study 'toy_robustness', not 'paper_study'"):
        study.rows()
    with pytest.raises(
        SchemaError, match=r"must hold rows of toy_robustness, but there are none yet; call run\(\) first"
    ):
        open_study(STUDY, results=ROOT / "tests").rows()


def test_a_study_runs_the_preset_that_is_embedded_or_else_its_first() -> None:
    small, large = Preset(60, (0.1,)), Preset(600, (0.1,))
    assert Study("s", "?", STUDY.space, ("alice",), {"small": small, "large": large}).preset(None) == small
    assert Study("s", "?", STUDY.space, ("alice",), {"small": small, "embedded": large}).preset(None) == large
    with pytest.raises(
        ValueError, match=r"a study must have presets to run, such as presets=.*, got none in s"
    ):
        Study("s", "?", STUDY.space, ("alice",)).preset(None)


@pytest.mark.parametrize(
    ("ended", "kind", "words"),
    [
        (1, StudyError, "every run of toy_robustness must end and its report be whole, but the lines above say what did not"),
        (TERMINATED, StudyError, "the same call continues"),
        (INTERRUPTED, KeyboardInterrupt, "finished runs are stored; the same call continues"),
        (Fenced("lost\nto sqlite:///x?password=secret"), Fenced, r"^lost to sqlite:///x\?password=\*\*\*$"),
    ],
)  # fmt: skip
def test_what_is_exit_codes_on_the_command_line_are_exceptions(
    ended: int | Exception, kind: type[BaseException], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: object) -> int:
        if isinstance(ended, Exception):
            raise ended
        return ended

    monkeypatch.setattr(opened_study, "run", run)
    with pytest.raises(kind, match=words):
        open_study(STUDY).run()


PROGRAM = """
import json, os, signal, sys, threading, time
from pathlib import Path

from sweeps.cli import open_study
from sweeps.study import Preset, Study
from sweeps.toy_robustness import STUDY as TOY

signal.signal(signal.SIGINT, signal.default_int_handler)  # a process that is started in the background ignores it
HEAVY = sorted({'torch', 'ray', 'mlflow', 'optuna', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules))
STUDY = Study(
    "own", "Twice?", {**TOY.space, "width": (32, 64)}, ("svae_r", "alice"), {"small": Preset(3000, (0.1,), limit=4)}
)
study = open_study(STUDY, results="there", tracking_uri="sqlite:///mlflow.db")


def interrupt():
    while not list(Path("there/own/runs").glob("*.parquet")):  # of several cohorts the first is stored: others train
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)


threading.Thread(target=interrupt).start()
try:
    study.run()
except KeyboardInterrupt as stop:
    print("STOPPED", stop)
interrupted = len(study.rows())
study.run()
rows = study.rows()
before = study.report()
time.sleep(0.05)
print(json.dumps({
    "heavy": HEAVY,
    "interrupted": interrupted,
    "rows": len(rows),
    "columns": sorted({"algorithm", "lam", "width", "mse_x", "outcome"} & set(rows.columns)),
    "arrow": study.rows("arrow").num_rows,
    "curve": [int(n) for n in study.curves().groupby("run_key")["iteration"].max().unique()],
    "samples": list(study.samples(rows["run_key"][0]).shape),
    "report": str(before),
    "made_again": os.stat(before).st_mtime_ns != os.stat(study.report()).st_mtime_ns,
    "html": study.report()._repr_html_()[:15],
    "of_another": os.stat(study.report(iterations=3000)).st_size > 10_000,
    "ctrl_c": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "threads": [thread.name for thread in threading.enumerate() if "Ray" in thread.name],
}))
"""


def test_a_study_of_ones_own_is_interrupted_and_done_in_one_process_and_read(
    tmp_path: Path, empty_database: Path
) -> None:
    shutil.copy(empty_database, tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "STOPPED finished runs are stored; the same call continues" in lines
    assert "stored    8 of 8 runs: 8 COMPLETED" in lines
    told = json.loads(lines[-1])
    assert told.pop("interrupted") < 8
    assert told == {
        "heavy": [],
        "rows": 8,
        "columns": ["algorithm", "lam", "mse_x", "outcome", "width"],
        "arrow": 8,
        "curve": [3000],
        "samples": [256, 2],
        "report": "there/own/report/report.html",
        "made_again": False,
        "html": "<iframe srcdoc=",
        "of_another": True,
        "ctrl_c": True,
        "threads": [],
    }  # fmt: skip
