"""Two made studies that differ in known cells."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from analysis.compare import studies
from analysis.compare.__main__ import main
from analysis.compare.cells import compare
from analysis.compare.sides import Condition, Side
from result_manifest import read_manifest
from result_schema import VERSION
from tests.analysis.conftest import make_run, write_files

Rows = list[dict[str, Any]]


def rows(configurations: int = 12, **changes: Any) -> Rows:
    return [make_run(a, n, **changes) for a in ("svae_r", "alice") for n in range(configurations)]


@pytest.fixture
def two(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Writes two studies and returns where they are."""

    def write(first: Rows, second: Rows, study: str = "toy_robustness") -> tuple[str, str]:
        return str(write_files(tmp_path / "a", first)), str(write_files(tmp_path / "b", second, study))

    return write


def compared(where: tuple[str, str], **options: Any) -> studies.Comparison:
    return studies.compare(Side.of(where[0]), Side.of(where[1]), **options)


def test_the_same_rows_are_equal_whatever_their_files_and_their_provenance(
    two: Callable[..., tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    others = rows(git_commit="def5678", train_seconds=3.0, versions=json.dumps({"torch": "2.14.0"}))
    where = two(rows(), others[::-1])
    assert main(list(where)) == 0
    page = capsys.readouterr().out
    assert "equal     24 runs to the bit" in page
    assert "git_commit: abc1234 → def5678" in page
    assert "torch: 2.13.0 → 2.14.0" in page
    assert "36.0 s → 72.0 s, all matched runs (2.00 times)" in page


def test_cells_that_differ_are_counted_named_and_written(
    two: Callable[..., tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = rows()
    changed[3] |= {"mse_x": 0.1 * (1 + 1e-9), "inception_score": 2.0}  # svae_r, configuration 3
    changed[13]["mse_x"] = np.nextafter(0.1, 1)  # alice, configuration 1
    where = two(rows(), changed)
    found = compared(where)
    assert (found.to_the_bit, found.within, found.differing) == (22, 0, 2)
    assert found.by_algorithm == {"svae_r": (12, 1), "alice": (12, 1)}
    columns = {column.name: column for column in found.columns}
    assert [columns[n].unequal for n in ("mse_x", "inception_score", "mse_z", "outcome")] == [2, 1, 0, 0]
    assert columns["inception_score"].absolute == 2.0  # 4 − 2
    assert columns["inception_score"].relative == 0.5  # of 4
    assert columns["inception_score"].example == ("svae_r λ=0.1 #0003 seed 0", 4.0, 2.0)
    assert main([*where, "--csv", str(tmp_path / "cells.csv")]) == 1
    lines = list(csv.DictReader((tmp_path / "cells.csv").read_text().splitlines()))
    assert [(line["column"], line["run"]) for line in lines if line["column"] == "inception_score"] == [
        ("inception_score", "svae_r λ=0.1 #0003 seed 0")
    ]
    assert {float(line["second"]) for line in lines} == {0.1 * (1 + 1e-9), np.nextafter(0.1, 1), 2.0}
    capsys.readouterr()
    assert main([*where, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["columns"]["mse_x"]["different_bits"] == 2


@pytest.mark.parametrize(("tolerance", "code", "within"), [(1e-12, 1, 0), (1e-8, 0, 1)])
def test_a_tolerance_is_relative_and_decides_the_exit_code(
    two: Callable[..., tuple[str, str]], tolerance: float, code: int, within: int
) -> None:
    changed = rows()
    changed[0]["mse_x"] = 0.1 * (1 + 1e-9)
    where = two(rows(), changed)
    assert compared(where, tolerance=tolerance).within == within
    assert main([*where, "--tolerance", str(tolerance)]) == code


def test_runs_of_one_side_alone_and_changed_outcomes_are_told(
    two: Callable[..., tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    second = rows()[:-1]
    second[2] = make_run("svae_r", 2, outcome="DIVERGED")
    found = compared(where := two(rows()[1:], second))
    assert found.match.only_first["run_key"].to_pylist() == [make_run("alice", 11)["run_key"]]
    assert found.match.only_second["run_key"].to_pylist() == [make_run("svae_r", 0)["run_key"]]
    assert found.outcomes == {("COMPLETED", "DIVERGED"): 1}
    # outcome, where it diverged, and five metrics that one side lacks; iterations are the made rows' budget in both
    assert sum(column.unequal for column in found.columns) == 7
    assert main(list(where)) == 1
    page = capsys.readouterr().out
    assert "COMPLETED → DIVERGED 1" in page
    assert "only in A 1 run: alice λ=0.1 #0011 seed 0" in page


def test_paired_differences_are_of_the_second_side_against_the_first(
    two: Callable[..., tuple[str, str]],
) -> None:
    # 12 configurations, in each of which both systems gain half a point, and have a tenth of the error.
    better = [row | {"inception_score": 4.5, "mse_x": 0.01} for row in rows()]
    columns = {column.name: column for column in compared(two(rows(), better)).columns}
    score, error = columns["inception_score"].verdict, columns["mse_x"].verdict
    assert score is not None
    assert error is not None
    assert score.location.units == 12
    assert (score.shown.point, score.words) == (0.5, "higher")
    assert error.shown.point == pytest.approx(0.1)  # a ratio
    assert columns["mse_z"].verdict is None  # nothing differs


def test_two_budgets_of_one_directory_are_matched_by_all_else(
    store: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    where = str(store([*rows(budget=300), *rows(budget=600, inception_score=4.5)]))
    assert main([where, "--first", "budget=300", "--second", "budget=600"]) == 1
    page = capsys.readouterr().out
    assert "matched   24 runs, the same in all but budget 300 → 600" in page
    assert "iterations" not in page  # they differ as the budgets do


@pytest.mark.parametrize(
    ("condition", "kept"),
    [("git_commit=abc*", 12), ("torch=2.14.0", 12), ("lam=0.10", 24), ("algorithm=alice", 12)],
)
def test_a_condition_keeps_rows_by_a_column_or_a_version(
    store: Callable[..., Path], condition: str, kept: int
) -> None:
    first = [make_run("svae_r", n) for n in range(12)]
    second = [make_run("alice", n, git_commit="def", versions='{"torch": "2.14.0"}') for n in range(12)]
    assert Side.of(str(store([*first, *second])), [condition]).read(["seed"]).num_rows == kept


def test_conditions_and_cells_by_hand() -> None:
    assert Condition("budget", "300.0").met(300)
    assert not Condition("budget", "x").met(300)
    assert not Condition("sampler", "*").met(None)
    zero = compare(
        "m", pa.array([0.0, np.nan, None, 1.0, np.inf]), pa.array([-0.0, np.nan, 1.0, None, np.inf]), 1e-9
    )
    assert zero.unequal.tolist() == [True, False, True, True, False]
    assert zero.beyond.tolist() == [False, False, True, True, False]  # no tolerance makes a value of none
    whole = compare("diverged_at", pa.array([3, None, None]), pa.array([3, 4, None]), 0.5)
    assert whole.unequal.tolist() == whole.beyond.tolist() == [False, True, False]
    assert whole.compared == 2


def test_a_metric_that_one_study_does_not_know_is_left_out_and_named(
    two: Callable[..., tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    where = two(rows(), rows())
    manifest = read_manifest(where[1])
    fewer = tuple(metric for metric in manifest.metrics if metric.name != "rmse")
    (Path(where[1]) / "study.json").write_text(replace(manifest, metrics=fewer).to_json())
    assert main(list(where)) == 0
    assert "left out  rmse:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--across", "width"], "--across must be"),
        (["--metrics", "mse_q"], "--metrics must be"),
        (["--first", "budget"], "a condition must be"),
        (["--first", "instruction=*AVX*"], "a condition must be on a column"),
        (["--first", "budget=7"], "must hold at least one run with budget=7"),
        (["--first", "algorithm=alice", "--second", "algorithm=svae_r"], "differ in algorithm"),
        (["--tolerance", "nan"], "--tolerance must be"),
        (["third"], "one or two directories"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    two: Callable[..., tuple[str, str]], options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*two(rows(2), rows(2)), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error


def test_another_study_and_no_study_are_refused_in_one_line(
    two: Callable[..., tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = two(rows(2), [row | {"study": "other"} for row in rows(2)], study="other")
    assert main(list(where)) == 2
    assert "both sides must be of one study" in capsys.readouterr().err
    assert main([*where, "--across", "study"]) == 0
    capsys.readouterr()
    assert main([where[0], str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([where[0]]) == 2
    assert "--first budget=400" in capsys.readouterr().err


def test_runs_that_differ_in_what_is_left_out_alone_must_be_chosen(
    two: Callable[..., tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    versions = [make_run("alice", 0), make_run("alice", 0, **{VERSION: 2})]
    where = two(versions, [make_run("alice", 0, **{VERSION: 3})])
    assert main(list(where)) == 2
    assert f"several that differ in {VERSION} alone" in capsys.readouterr().err
    assert main([*where, "--first", f"{VERSION}=2"]) == 0
