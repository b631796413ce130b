"""The report end to end: from a store on disk to one self-contained page, in a process without torch or Ray."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.contents import Contents
from analysis.report import main

ROOT = Path(__file__).parents[2]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=600, check=False
    )


@pytest.fixture
def runs(run):
    """Two λ, two seeds, five configurations, both algorithms; DIVERGED, FAILED and one missing side among them."""
    made = []
    for lam in (0.0, 1.0):
        for i in range(5):
            for seed in (0, 1):
                base = 3 + 0.3 * i + 0.1 * seed
                made.append(
                    run("svae_r", i, lam, seed, inception_score=base + 0.4 + 0.01 * i, mse_x=0.02 * (i + 1))
                )
                made.append(run("alice", i, lam, seed, inception_score=base, mse_x=0.05 * (i + 1)))
    made[1] = run("alice", 0, 0.0, 0, outcome="DIVERGED")
    made[4] = run("svae_r", 1, 0.0, 0, outcome="FAILED")
    del made[-1]
    return [*made, run("alice", 0, 1.0, 0, budget=1600)]


def test_report_is_rebuilt_from_the_rows_alone(store, runs):
    where = store(runs)
    done = call("-m", "analysis.report", str(where))
    assert (done.returncode, done.stderr) == (0, "")
    report = where / "report"
    assert done.stdout.strip() == f"{report}/report.html"
    names = {file.name for file in report.iterdir()}
    figures = [
        "histograms",
        "paired",
        "differences",
        "lambda",
        "plane",
        "learning",
        "effects",
        "samples_lambda_0",
        "samples_lambda_1",
        "budget_lambda_0",
        "budget_lambda_1",
    ]
    assert names == {"report.html", "summary.csv", "summary.md", "exemplars.json"} | {
        f"{n}.{e}" for n in figures for e in ("png", "svg")
    }

    html = (report / "report.html").read_text()
    links = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert len(links) > 10
    assert all(link.startswith(("data:image/", "#")) for link in links)
    assert not re.search(r"<script src|<link|url\(|@import", html)
    assert "Is &lt;sVAE-r&gt; steadier than ALICE?" in html
    assert "left out: 1 row of 1,600 iterations" in html
    assert "1 run FAILED" in html
    assert "2 pairs wait" in html  # the FAILED side and the missing one

    table = pd.read_csv(report / "summary.csv").set_index(["algorithm", "lam"])
    assert table.loc[("alice", 0.0), "diverged"] == 1
    assert table.loc[("svae_r", 0.0), "failed"] == 1
    assert table.loc[("alice", 1.0), "runs"] == 9
    assert "Published figures are of mixture5, these runs of v1: they do not stand beside them." in html
    markdown = (report / "summary.md").read_text()
    assert "At λ = 1, sVAE-r against ALICE: inception score higher" in markdown


def test_report_takes_the_budget_asked_for_and_is_the_same_to_the_byte_when_built_again(store, runs):
    where = store(runs)
    report = where / "report"
    assert main([where.as_uri(), "--iterations", "1600"]) == 0
    assert pd.read_csv(report / "summary.csv")["runs"].tolist() == [1]
    first = {file.name: file.read_bytes() for file in report.iterdir()}
    (report / "samples_lambda_7.png").write_bytes(b"of an earlier report")
    assert main([where.as_uri(), "--iterations", "1600"]) == 0
    assert {file.name: file.read_bytes() for file in report.iterdir()} == first


def test_report_says_one_line_and_exits_2_when_the_directory_is_no_store_and_loads_no_framework(tmp_path):
    frameworks = "{'torch', 'ray', 'mlflow', 'optuna', 'trainables', 'sweeps', 'matplotlib.pyplot'}"
    program = f"import sys, analysis.report as r; code = r.main(sys.argv[1:]); print({frameworks} & set(sys.modules))"
    done = call("-c", f"{program}; sys.exit(code)", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert done.stdout.strip() == "set()"
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere must be a study's results directory, but it has no study.json; give" in done.stderr


@pytest.mark.parametrize("arguments", [["--iterations", "7"], []])
def test_report_exits_2_and_writes_nothing_when_it_cannot_be_built(store, run, capsys, arguments):
    where = store([run("alice", 0), run("alice", 1)] if arguments else [])
    assert main([str(where), *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (where / "report").exists()


def test_report_exits_2_when_it_cannot_write(store, run, capsys, monkeypatch):
    monkeypatch.setattr("analysis.contents.build", lambda *_: Contents({"report.html": b""}))
    where = store([run("alice", 0), run("alice", 1)])
    (where / "report").write_text("a file in the way")
    assert main([str(where)]) == 2
    said = capsys.readouterr().err
    assert "report must be writable" in said
    assert len(said.splitlines()) == 1


def test_report_exits_2_and_removes_nothing_when_its_folder_is_a_link(
    store, run, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("analysis.contents.build", lambda *_: Contents({"report.html": b""}))
    where = store([run("alice", 0), run("alice", 1)])
    paper = tmp_path / "paper"
    paper.mkdir()
    (paper / "figure1.png").write_text("drawn by hand")
    (where / "report").symlink_to(paper)
    assert main([str(where)]) == 2
    assert "report must be a folder of the study's own" in capsys.readouterr().err
    assert [path.name for path in paper.iterdir()] == ["figure1.png"]
