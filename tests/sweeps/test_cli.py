"""The command line: bad input gets one clear line and exit code 2, and nothing is written."""

from __future__ import annotations

import errno
import re
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from sweeps.cli import main, study_command
from sweeps.cli.options import parse
from sweeps.execution.cluster import ClusterError, connect
from sweeps.planning.slots import Slots
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY
from trainables.engine.native import build


def run(*arguments: str) -> int:
    """Exit code of the study with these arguments."""
    with pytest.raises(SystemExit) as end:
        main(STUDY, arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lambda", "1"], ["--lambda"]),
        (["--seeds", "few"], ["--seeds", "few"]),
        (["--notify", "no-such-command --at all"], ["--notify must be a web address", "'no-such-command'"]),
        (["--preset", "tiny"], ["preset must be one of smoke, embedded, paper", "'tiny'"]),
        (["--algorithms", "gann"], ["algorithm must be one of", "svae_r", "'gann'"]),
        (["--lambdas", "-0.5"], ["lambda must be finite and >= 0", "-0.5"]),
        (["--lambdas", "inf"], ["lambda must be finite and >= 0", "inf"]),
        (["--lambdas", "nan"], ["lambda must be finite and >= 0", "nan"]),
        (["--seeds", "0"], ["seeds must be >= 1", "got 0"]),
        (["--iterations", "0"], ["iterations must be >= 1", "got 0"]),
        (["--simulate", "0"], ["devices that train at once, must be >= 1", "got 0"]),
        (["--precision", "fp8"], ["precision must be one of float32, tf32, bf16", "'fp8'"]),
        (["--search", "annealing"], ["search must be one of grid, random, tpe, nsga2", "'annealing'"]),
        (["--search", "tpe", "--metrics", "loss"], ["--metrics must be one of", "'loss'"]),
        (["--search", "tpe", "--seeds", "2"], ["--seeds must be left out with --search tpe", "got 2"]),
        (["--search", "tpe", "--lambdas", "-1"], ["lambda must be finite and >= 0", "-1"]),
        (["--search", "random", "--runs", "0"], ["runs must be >= 1", "got 0"]),
        (
            ["--halving", "4"],
            ["--halving must be left out of a robustness study", "--allow-biased-histograms"],
        ),
        (["--halving", "1", "--search", "tpe"], ["halving must keep the best 1/2 or less", "got 1"]),
        (["--halving", "2", "--search", "nsga2"], ["--halving takes one metric", "inception_score, mse_x"]),
        (["--halving", "2", "--search", "tpe", "--iterations", "20"], ["iterations must be > 20, got 20"]),
        (
            ["--set", "temperature", "1"],
            ["temperature must be of an algorithm that is compared", "svae_r, alice compared"],
        ),
        (
            ["--set", "temperatur", "1"],
            ["an algorithm's own (aacvae: temperature", "got 'temperatur'; did you mean temperature?"],
        ),
        (["--set", "width", "32.5"], ["width must be int, got '32.5'"]),
        (["--set", "width"], ["--set must have a name and its values, got width alone"]),
        (
            ["--set", "width", "32", "--set", "width", "64"],
            ["must name a hyper-parameter once", "width more than once"],
        ),
        (["--set", "learning_rate", "-1"], ["learning_rate must be > 0", "got -1"]),
        (
            ["--set", "k", "48", "--algorithms", "iwgan"],
            ["iwgan:k=48 needs a batch_size that is a multiple of k = 48, got 64"],
        ),
        (["--until", "bored"], ["--until must be decided", "'bored'"]),
        (
            ["--until", "decided", "--search", "tpe"],
            ["--until must be left out with --search tpe", "got decided"],
        ),
        (
            ["--until", "decided", "--halving", "2", "--allow-biased-histograms"],
            ["--until must be left out with --halving"],
        ),
        (
            ["--until", "decided", "--lambdas", "0"],
            ["must have one of the λ that toy_robustness asks about (0.1, 1, 10), got 0"],
        ),
        (["--until", "decided", "--algorithms", "gan"], ["must have two algorithms to compare, got gan"]),
        (["--data", "minst"], ["data must be one of celeba", "mixture5", "'minst'; did you mean mnist?"]),
        (["--data", "digits", "--lambdas", "-1"], ["lambda must be finite and >= 0", "-1"]),
        (["--limit", "9999"], ["limit must be 1 to 576", "9999"]),
        (
            ["--address", "127.0.0.1:1"],
            ["--address must be a running Ray cluster", "127.0.0.1:1", "leave --address out"],
        ),
        (["--tracking-uri", "ftp://x"], ["tracking URI must be", "ftp://x"]),
        (["--results", "/dev/null/x"], ["--results must be a directory that can be written"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_writes_nothing(
    arguments: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    connected: list[str] = []
    monkeypatch.setattr(
        study_command, "connect", lambda *where: connected.append(where[0]) or connect(*where)
    )
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert connected == [value for option, value in pairwise(arguments) if option == "--address"]
    for word in words:
        assert word in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "make room, then give the same command again to continue",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "runs"), "make it writable, then"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), "choose another --results"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (
            OSError("curlCode: 28, Timeout was reached"),
            "when the storage answers, give the same command again",
        ),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset"), "when the storage answers"),
        (OSError(errno.EIO, "Input/output error"), "remove the cause, then give the same command again"),
    ],
)
def test_an_error_of_storage_names_what_helps(
    error: OSError, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(study_command, "run", fail)
    assert run() == 1
    output = capsys.readouterr().out
    assert output.startswith(f"error: {error}; what is stored is whole: ")
    assert words in output


def test_results_of_another_study_are_refused_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "toy_robustness"
    Store(str(directory)).create("other_study", "?")
    before = (directory / "study.json").read_bytes()
    assert run("--results", str(tmp_path)) == 2
    assert "holds the study 'other_study', not 'toy_robustness'" in capsys.readouterr().err
    assert (directory / "study.json").read_bytes() == before


def test_precision_that_the_device_lacks_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study_command, "connect", lambda *_: Slots(1, "cpu", {"CPU": 1.0}))
    assert run("--precision", "tf32") == 2
    expected = "error: precision tf32 needs a CUDA device, got cpu; use float32 or bf16\n"
    assert capsys.readouterr().err == expected
    assert list(tmp_path.iterdir()) == []


def test_results_in_another_precision_are_refused_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "toy_robustness"
    Store(str(directory)).create(STUDY.name, STUDY.question)
    before = (directory / "study.json").read_bytes()
    assert run("--results", str(tmp_path), "--precision", "bf16") == 2
    error = capsys.readouterr().err
    assert "holds results in precision float32, not bf16; choose another --results" in error
    assert error.count("\n") == 1
    assert (directory / "study.json").read_bytes() == before


def test_dry_run_tells_runs_cohorts_and_cost_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--preset", "paper", "--dry-run") == 0
    output = capsys.readouterr().out
    assert "5760 declared, 0 stored, 5760 to train" in output
    assert "core-minutes" in output
    assert re.search(r"memory +about [1-9][0-9]* MB", output)
    assert list(tmp_path.iterdir()) == []


def test_dry_run_says_where_there_are_no_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "missing", lambda: "native kernels are not used; install g++")
    assert run("--preset", "smoke", "--dry-run", "--results", str(tmp_path)) == 0
    assert "warning: native kernels are not used; install g++\n" in capsys.readouterr().out


def test_dry_run_of_a_halved_grid_tells_how_many_are_trained_how_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--halving", "4", "--allow-biased-histograms", "--dry-run") == 0
    # (1152 · 60 + 288 · 60 + 72 · 180) / (1152 · 300) = 0.2875
    assert (
        "1152 runs to 60, 288 runs to 120, 72 runs to 300: 29% of the iterations" in capsys.readouterr().out
    )
    assert list(tmp_path.iterdir()) == []


def test_simulate_prints_the_schedule_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--preset", "paper", "--simulate", "8", "1000") == 0
    output = capsys.readouterr().out
    assert "5760 declared, 0 stored, 5760 to train" in output
    assert output.count("a cohort") == output.count("a run") == 2
    assert "longest trial" in output
    assert list(tmp_path.iterdir()) == []


def test_help_reads_like_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(STUDY, ["--help"])
    assert end.value.code == 0
    output = capsys.readouterr().out
    for option in ("--preset", "--algorithms", "--lambdas", "--seeds", "--iterations", "--limit", "--results", "--precision",
                   "--tracking-uri", "--address", "--dry-run", "--simulate"):  # fmt: skip
        assert option in output


def test_the_separator_that_ray_submit_hands_on_is_ignored() -> None:
    assert parse(STUDY, ["--", "--preset", "smoke"]).preset == "smoke"


def test_the_thread_that_starts_ray_stays_since_rays_processes_end_with_it() -> None:
    def working() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "Ray's start"}

    before, slots = working(), Slots(1, "cpu", {})
    assert study_command.beside(lambda: slots).result() is slots
    (stays,) = working() - before

    def fails() -> Slots:
        raise ClusterError("no Ray")

    with pytest.raises(ClusterError, match="no Ray"):
        study_command.beside(fails).result()
    while working() - before != {stays}:  # the other one ends
        time.sleep(0.01)
