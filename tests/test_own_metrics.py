"""Metrics from a repository of somebody's own, by import path and contributed by an installed package: in rows, curves, MLflow, searches."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from result_manifest import read_manifest
from result_metrics import SMALLER, VERSION_1
from result_reading import read_curves, read_runs
from sweeps import toy_robustness
from sweeps.cli import main, study_command
from sweeps.cli.options import search_metrics
from sweeps.store.store import Store
from sweeps.study import Preset, Study
from trainables import datasets, metrics, objectives
from trainables.engine import rehearsal
from trainables.metrics.evaluated import Evaluated
from trainables.models.batch import Model
from trainables.randomness.streams import stream

ROOT = Path(__file__).parents[1]
SOMEBODYS = Path(__file__).parent / "somebodys"
INSTALLED = SOMEBODYS / "installed"
"""What pip writes beside an installed package: its entry points."""
SLICED = "my_lab.sliced_wasserstein:SlicedWasserstein"
PROGRAM = """
import contextlib, io, json, shutil
from rich.console import Console
from result_reading import read_runs
from sweeps.cli import rerun
from sweeps.cli.options import parse
from sweeps.cli.study_command import run
from sweeps.execution.cluster import connect, disconnect
from sweeps.study import Preset, Study

SPACE = {"depth": (1,), "width": (32, 64), "critic_depth": (1,), "batch_size": (64,),
         "steps": (1,), "learning_rate": (1e-3, 3e-4), "beta1": (0.5,), "critic_dropout": (0.0,)}


def give(where, *arguments, metrics=("my_lab.sliced_wasserstein:SlicedWasserstein",), headline=("mse_x", "sliced_wasserstein"), data="mixture5"):
    study = Study("own", "Does it come all the way?", SPACE, ("alice", "gan"), {"embedded": Preset(40, (0.1,))}, data=data,
                  metrics=metrics, headline=headline)
    output = io.StringIO()
    code = run(study, parse(study, [*arguments, "--results", where]), Console(file=output, soft_wrap=True, highlight=False))
    assert code == 0, output.getvalue()
    return output.getvalue()


def again(run_key):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        return rerun.main(rerun.Options(run_key, "later/own")), output.getvalue()


slots = connect("local")  # one Ray of all studies
said = {}
give("before", metrics=(), headline=("mse_x",), data="ring")
shutil.copytree("before", "later")
give("later", "--seeds", "2", headline=("mse_x",), data="ring")
said["search"] = give("searched", "--search", "tpe", "--runs", "3", "--generation", "2")
said["halving"] = give("halved", "--halving", "2", "--allow-biased-histograms")
disconnect(slots)
keys = {row["run_key"]: row["seed"] for row in read_runs("later/own").to_pylist()}
said["again"] = {seed: again(next(key for key in keys if keys[key] == seed)) for seed in (0, 1)}
print(json.dumps(said))
"""
"""Studies, one after another in a process of their own: one that gains a metric by its path, a search for it, and halving by it."""


@pytest.fixture
def my_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    caches = (metrics._elsewhere, metrics.available, datasets.available)
    for folder in (SOMEBODYS, INSTALLED):
        monkeypatch.syspath_prepend(str(folder))
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> tuple[Path, dict[str, Any]]:
    """Where PROGRAM has trained, and what it says."""
    where = tmp_path_factory.mktemp("trained")
    shutil.copy(empty_database, where)
    (where / "own.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SOMEBODYS, INSTALLED, ROOT)))}
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=where, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return where, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.usefixtures("my_lab")
def test_the_distance_is_the_one_of_sorted_projections_and_zero_of_the_points_themselves() -> None:
    model = Model({"decoder": lambda z, xi: z}, objectives.find("gan").form, datasets.find("mixture5"))
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(1))
    metric = metrics.find(SLICED)
    noise = {"z": x.flip(0), "xi": x}
    assert metric(Evaluated(model, x, noise)).item() == 0.0
    # Shifted by c, W_2² along u is (u·c)²; its mean over directions is |c|² / 2 of uniform ones
    shifted = metric(Evaluated(model, x, {"z": x + torch.tensor([3.0, 0.0]), "xi": x})).item()
    directions = stream("sliced_wasserstein").standard_normal((2, 32))
    expected = np.sqrt((9 * directions[0] ** 2 / (directions**2).sum(0)).mean())
    assert shifted == pytest.approx(expected, rel=1e-6)
    assert shifted == pytest.approx(3 / math.sqrt(2), rel=0.25)


@pytest.mark.usefixtures("my_lab")
def test_an_installed_package_contributes_its_metrics_and_they_stand_after_the_others() -> None:
    assert list(metrics.available()).index("on_ring_share") >= len(VERSION_1)
    assert "on_ring_share" in metrics.applicable(datasets.find("ring"))
    assert "on_ring_share" not in metrics.applicable(datasets.find("mixture5"))
    info = metrics.find(SLICED).info
    assert (info.name, info.better, info.log, info.path) == ("sliced_wasserstein", SMALLER, True, SLICED)


@pytest.mark.usefixtures("my_lab")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "PerPoint",
            r"must return a scalar tensor of floating point for one model, got shape \[1024\] of torch.float32",
        ),
        (
            "Count",
            r"must return a scalar tensor of floating point for one model, got shape \[\] of torch.int64",
        ),
        ("Plain", "must return a scalar tensor of floating point for one model, got 1.0"),
        ("Branching", "it is none .RuntimeError: vmap"),
        ("Wrong", "RuntimeError: Expected size .*declare what it needs, or correct it"),
        (
            "Twin",
            "got 'mse_x' of my_lab.bad_metrics:Twin and of trainables.metrics.squared_error:MseX; rename one",
        ),
        ("Nobody", "module 'my_lab.bad_metrics' has no attribute 'Nobody'"),
        ("_Bad", "must be a subclass of trainables.metrics.base:Metric with a name and nothing abstract"),
    ],
)
def test_what_is_no_metric_is_refused_in_one_line_before_anything_trains(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        rehearsal.rehearse([f"my_lab.bad_metrics:{name}"], ["gan", "alice"], "mixture5")
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_metrics_of_the_project_are_not_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "Cohort", lambda *arguments, **options: pytest.fail("a model was made"))
    rehearsal.rehearse([], ["gan", "alice"], "mixture5")


def test_a_study_takes_a_metric_by_its_path_into_rows_curves_and_mlflow(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    directory = str(trained[0] / "later" / "own")
    manifest = read_manifest(directory)
    assert [m.path for m in manifest.metrics if m.name == "sliced_wasserstein"] == [SLICED]
    rows = [row for row in read_runs(directory).to_pylist() if row["seed"] == 1]
    assert len(rows) == 8
    curves = {(p["run_key"], p["iteration"]): p for p in read_curves(directory).to_pylist()}
    assert {iteration for _, iteration in curves} == {20, 40}
    for row in rows:
        assert 0 < row["sliced_wasserstein"] == curves[row["run_key"], 40]["sliced_wasserstein"]
        assert row["mse_z"] is not None or row["algorithm"] == "gan"
    assert len({row["sliced_wasserstein"] for row in rows}) == 8

    client, experiment = mlflow(trained[0])
    runs = client.search_runs(
        [experiment], "metrics.sliced_wasserstein > 0 and params.seed = '1' and tags.kind = 'run'"
    )
    there = {r.data.tags["run_key"]: r.data.metrics["sliced_wasserstein"] for r in runs}
    assert there == {row["run_key"]: row["sliced_wasserstein"] for row in rows}
    (shown,) = (r for r in runs if r.data.tags["run_key"] == rows[0]["run_key"])
    history = client.get_metric_history(shown.info.run_id, "sliced_wasserstein")
    assert [point.step for point in sorted(history, key=lambda p: p.step)] == [20, 40]


def mlflow(folder: Path) -> tuple[Any, str]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    return client, client.get_experiment_by_name("own").experiment_id


def test_a_study_that_gains_a_metric_keeps_its_rows_and_they_lack_it(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    first, later = (str(trained[0] / name / "own") for name in ("before", "later"))
    before = {row["run_key"]: row for row in read_runs(first).to_pylist()}
    assert all(row["on_ring_share"] is not None for row in before.values())  # of the installed package
    rows = {row["run_key"]: row for row in read_runs(later).to_pylist()}
    assert len(rows) == 16
    assert read_manifest(later).headline == ("mse_x",)
    for key, row in rows.items():
        assert (row["sliced_wasserstein"] is None) == (key in before)
        assert key not in before or {**before[key], "sliced_wasserstein": None} == row
    assert np.isfinite([row["mse_x"] for row in rows.values() if row["algorithm"] == "alice"]).all()
    for code, words in trained[1]["again"].values():  # of a run without the metric, and of one with it
        assert (code, "equal to the bit" in words) == (0, True), words


@pytest.mark.parametrize("how", ["search", "halving"])
def test_a_metric_by_its_path_is_searched_for_and_halved_by(
    how: str, trained: tuple[Path, dict[str, Any]]
) -> None:
    directory = str(trained[0] / {"search": "searched/own-search", "halving": "halved/own"}[how])
    assert read_manifest(directory).headline == ("mse_x", "sliced_wasserstein")
    rows = read_runs(directory).to_pylist()
    assert all(row["inception_score"] > 1 for row in rows)
    of_alice = [row for row in rows if row["algorithm"] == "alice"]
    own = {r["run_key"]: r["sliced_wasserstein"] for r in of_alice if r["outcome"] == "COMPLETED"}
    if how == "halving":
        stopped = [row for row in of_alice if row["outcome"] == "STOPPED"]
        assert (len(own), len(stopped)) == (2, 2)
        points = read_curves(directory).to_pylist()
        curves = {(p["run_key"], p["iteration"]): p["sliced_wasserstein"] for p in points}
        at_the_rung = [curves[key, 20] for key in own]
        assert max(at_the_rung) <= min(curves[row["run_key"], 20] for row in stopped)
    else:
        assert {row["sampler"] for row in rows} == {"tpe for sliced_wasserstein, seed 0"}
    assert f"sliced_wasserstein {min(own.values()):.4g} with" in trained[1][how]


@pytest.mark.usefixtures("my_lab")
@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({}, ("--search", "tpe", "--metrics", "sliced_waserstein"), "did you mean sliced_wasserstein?"),
        ({}, ("--search", "tpe", "--metrics", "kl_posterior"), "--metrics must be one of mse_x, mse_z, inception_score"),
        ({"headline": ("inception",)}, (), "a metric of headline must be one of"),
        ({"metrics": ("my_lab.bad_metrics:PerPoint",), "headline": ()}, (), "must return a scalar tensor"),
        ({"metrics": ("my_lab.bad_metrics:Seed",), "headline": ()}, (), "a metric must have a name of its own, got seed, which rows have already"),
        ({"metrics": ("my_lab.broken:Metric",), "headline": ()}, (), "RuntimeError: no licence for this machine"),
        ({"data": "four_images", "headline": ("mse_x",)}, ("--halving", "2", "--allow-biased-histograms", "--metrics", "kl_z"),
         "--halving takes a metric that is taken at every evaluation, got kl_z, which is taken after the last iteration"),
        ({"headline": ("sliced_wasserstein",)}, ("--search", "nsga2"), "nsga2 takes two metrics, got sliced_wasserstein; give --metrics"),
        ({"smallest_differences": {"sliced_wasserstein": 0.5}}, (), "the smallest difference of sliced_wasserstein must be a factor > 1"),
    ],
)  # fmt: skip
def test_a_bad_metric_is_one_line_and_nothing_is_written(
    changes: dict[str, Any],
    options: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study_command, "connect", lambda *where: pytest.fail("Ray was started"))
    preset = {"embedded": Preset(40, (0.1,))}
    named = Study("own", "?", toy_robustness.STUDY.space, ("alice", "gan"), preset, metrics=(SLICED,))
    with pytest.raises(SystemExit) as end:
        main(replace(named, **changes), list(options))
    error = capsys.readouterr().err
    assert (end.value.code, error.count("\n")) == (2, 1)
    assert words in error
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("my_lab")
@pytest.mark.parametrize(
    ("sampler", "names", "expected"),
    [
        ("tpe", (), ["sliced_wasserstein"]),
        ("tpe", ("mse_z",), ["mse_z"]),
        ("nsga2", (), ["mse_x", "sliced_wasserstein"]),
        ("nsga2", ("elbo", "accuracy"), ["elbo", "accuracy"]),
    ],
)
def test_a_search_is_for_the_headline_unless_metrics_are_given(
    sampler: str, names: tuple[str, ...], expected: list[str]
) -> None:
    study = replace(toy_robustness.STUDY, metrics=(SLICED,), headline=("mse_x", "sliced_wasserstein"))
    assert [metric.name for metric in search_metrics(study, sampler, names)] == expected


@pytest.mark.parametrize(
    ("sampler", "expected"), [("tpe", ["inception_score"]), ("nsga2", ["inception_score", "mse_x"])]
)
def test_a_search_that_names_no_metric_is_for_those_that_it_always_was(
    sampler: str, expected: list[str]
) -> None:
    assert [metric.name for metric in search_metrics(toy_robustness.STUDY, sampler, ())] == expected


@pytest.mark.usefixtures("my_lab")
def test_a_study_whose_metric_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study_command, "connect", lambda *where: pytest.fail("Ray was started"))
    Store("results/own").create("own", "?", further=[SLICED])
    manifest = tmp_path / "results" / "own" / "study.json"
    manifest.write_text(manifest.read_text().replace(SLICED, "my_lab.gone:Sliced"))
    study = Study("own", "?", toy_robustness.STUDY.space, ("alice",), {"embedded": Preset(40, (0.1,))})
    with pytest.raises(SystemExit) as end:
        main(study, ["--limit", "1"])
    error = capsys.readouterr().err
    assert (end.value.code, error.count("\n")) == (2, 1)
    assert "holds the metric sliced_wasserstein, which is not here" in error
    assert "No module named 'my_lab.gone'" in error
