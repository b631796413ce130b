"""What loads neither torch nor Ray nor MLflow: help, bad options, and a study with nothing to do."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import result_digests
from result_schema import GRID
from sweeps import toy_robustness
from sweeps.cli import ending, main
from sweeps.cli.reporting import Reported, Reporting
from sweeps.cli.study_command import surely_declared
from sweeps.store.store import Store
from sweeps.strategies import settled
from sweeps.tracking import mirror_record
from sweeps.tracking.follower import AUTO, MirrorResult
from sweeps.tracking.mirror_record import Known
from trainables.engine.training import Result

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    p for p in (ROOT / "sweeps").glob("*.py") if "main(STUDY, description=__doc__)" in p.read_text()
)
COMMANDS = (
    "analysis.report",
    "analysis.systems",
    "sweeps.tracking.mirror",
    "sweeps.tracking.ui",
    "sweeps.cli.rerun",
)
HEAVY = "{'torch', 'ray', 'mlflow', 'optuna', 'pandas', 'scipy', 'matplotlib'}"


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [
        sys.executable,
        "-c",
        f"import runpy, sys\n{program}\nprint('HEAVY', {HEAVY} & set(sys.modules))",
    ]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("option", ["--help", "--no-such-option"])
def test_help_and_bad_options_load_no_framework(option: str) -> None:
    program = f"""
for name in {[*map(str, SCRIPTS), *COMMANDS]}:
    sys.argv = [name, {option!r}]
    try:
        if name.endswith(".py"):
            runpy.run_path(name, run_name="__main__")
        else:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert end.code == {0 if option == "--help" else 2}, (name, end.code)
"""
    done = python(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("HEAVY set()\n")


def test_help_is_laid_out_as_the_study_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(toy_robustness.STUDY, ["--help"], toy_robustness.__doc__)
    assert capsys.readouterr().out.startswith(inspect.cleandoc(toy_robustness.__doc__ or "") + "\n\nusage: ")


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of a study whose rows are stored, and of which a report and a mirror were made, both of no content."""
    monkeypatch.chdir(tmp_path)
    study, directory = toy_robustness.STUDY, "results/toy_robustness"
    runs = list(study.declared(study.preset("smoke", limit=1)))
    store = Store(directory)
    store.create(study.name, study.question)
    results = [
        Result(run, None, run.budget, {"mse_x": 0.5}, [], np.zeros((0, 2), np.float32), 1.0) for run in runs
    ]
    store.write(
        results,
        "cohort",
        device="cpu",
        git_commit="",
        versions={},
        sampler=GRID,
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
    )

    class Written(Reporting):
        def __init__(self, store: Store, iterations: int, sampler: str) -> None:
            if not result_digests.report_is_current(store.uri, iterations, sampler):
                inputs = result_digests.report_inputs(store.uri, iterations, sampler)
                (Path(directory) / "report").mkdir(exist_ok=True)
                (Path(directory) / "report/report.html").write_text("a report")
                result_digests.record_report(store.uri, inputs)

        def finish(self) -> Reported:
            return Reported()

    class Follower:
        def __init__(self, uri: str, tracking_uri: str, policy: str, declared: int) -> None:
            self.uri, self.tracking_uri = uri, tracking_uri
            self.known = Known("", policy, declared, declared, "")

        def finish(self, patience: float) -> MirrorResult:
            Path("mlflow.db").write_text("a database")
            known = replace(self.known, inputs=mirror_record.inputs(self.uri))
            mirror_record.keep(self.uri, self.tracking_uri, known)
            return MirrorResult(True, "mirrored")

    monkeypatch.setattr(ending, "Reporting", Written)
    monkeypatch.setattr(ending, "start_follower", Follower)
    arguments = ["--preset", "smoke", "--limit", "1", "--tracking-uri", "sqlite:///mlflow.db"]
    with pytest.raises(SystemExit) as end:
        main(study, arguments)
    assert end.value.code == 0
    return arguments


def test_study_with_nothing_to_do_starts_no_process_and_loads_no_framework(finished: list[str]) -> None:
    done = python(
        f"""
import subprocess
subprocess.Popen = None
sys.argv = ["study", *{finished}]
try:
    runpy.run_path({toy_robustness.__file__!r}, run_name="__main__")
except SystemExit as end:
    assert end.code == 0, end.code
"""
    )
    assert done.returncode == 0, done.stderr
    assert "2 runs declared, 2 stored, 0 to train" in done.stdout
    assert "stored    2 of 2 runs: 2 COMPLETED" in done.stdout
    assert "mirrored: 0 written, 2 runs of toy_robustness" in done.stdout
    assert done.stdout.endswith("HEAVY set()\n")


def known(arguments: list[str]) -> tuple[bool, bool, bool]:
    """Whether runs, report and mirror are known to be done."""
    study, store = toy_robustness.STUDY, Store("results/toy_robustness")
    record = settled.Record(store, study, study.preset("smoke", limit=1), None, "float32")
    uri = f"sqlite:///{Path('mlflow.db').absolute()}"
    return (
        record.recall() is not None,
        result_digests.report_is_current(store.uri, 60, GRID),
        mirror_record.recall(store.uri, uri, AUTO) is not None,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda: None, (True, True, True)),
        (lambda: Path("results/toy_robustness/runs/cohort.parquet").touch(), (False, False, False)),
        (lambda: Path("results/toy_robustness/runs/cohort.parquet").unlink(), (False, False, False)),
        (lambda: Path("results/toy_robustness/samples/cohort.parquet").touch(), (True, False, True)),
        (lambda: Path("results/toy_robustness/report/report.html").unlink(), (True, False, False)),
        (lambda: Path("results/toy_robustness/report/report.html").write_text("x"), (True, False, False)),
        (lambda: Path("mlflow.db").unlink(), (True, True, False)),
        (lambda: Path("mlflow.db").write_text("another one"), (True, True, False)),
        (lambda: Path("results/toy_robustness/digests/report.json").write_text("{"), (True, False, True)),
    ],
    ids=["nothing", "row-changed", "row-gone", "samples-changed", "report-gone", "report-changed", "db-gone",
         "db-changed", "record-damaged"],
)  # fmt: skip
def test_what_is_made_of_a_study_is_known_only_until_something_changes(finished, change, expected) -> None:
    change()
    assert known(finished) == expected


def test_what_another_version_made_is_not_known(finished, monkeypatch: pytest.MonkeyPatch) -> None:
    code = result_digests.code
    monkeypatch.setattr(result_digests, "code", lambda *packages: code(*packages)[::-1])
    assert known(finished) == (False, False, False)


def test_a_mirror_elsewhere_and_a_report_of_another_budget_are_not_known(finished: list[str]) -> None:
    assert mirror_record.recall("results/toy_robustness", "sqlite:////elsewhere/mlflow.db", AUTO) is None
    assert mirror_record.recall("results/toy_robustness", "http://127.0.0.1:5000", AUTO) is None
    assert not result_digests.report_is_current("results/toy_robustness", 300, GRID)


@pytest.mark.parametrize("algorithms", [("svae_r", "alice"), ("svae_r", "gan", "vae")])
def test_runs_that_surely_are_declared_are_all_runs_once_the_manifest_tells_who_has_lambda(
    tmp_path: Path, algorithms: tuple[str, ...]
) -> None:
    study = replace(toy_robustness.STUDY, algorithms=algorithms)
    store = Store(str(tmp_path))
    store.create("toy_robustness", "?", algorithms=algorithms)
    preset = study.preset("embedded", lambdas=(0.1, 1.0, 0.1), seeds=2, limit=3)
    declared = study.declared(preset, None, "float32")
    assert surely_declared(study, preset, store.manifest.own) == len(declared)
