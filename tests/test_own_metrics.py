"""Metrics from a repository of somebody's own, by import path and contributed by an installed package: in rows, curves, MLflow, searches."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from result_metrics import SMALLER, VERSION_1
from result_schema import read_curves, read_manifest, read_runs
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
STUDY = """
from sweeps.cli import main
from sweeps.study import Preset, Study

main(Study(
    name="own", question="Does it come all the way?", space={{"depth": (1,), "width": (32, 64), "critic_depth": (1,), "batch_size": (64,),
    "steps": (1,), "learning_rate": (1e-3, 3e-4), "beta1": (0.5,), "critic_dropout": (0.0,)}}, algorithms=("alice", "gan"), data="{data}",
    presets={{"embedded": Preset(40, (0.1,))}}, metrics=({metrics}), headline=({headline}),
))
"""


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


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of a study that names a metric by its import path."""
    write(tmp_path)
    return tmp_path


def write(
    folder: Path,
    named: str = f'"{SLICED}",',
    headline: str = '"mse_x", "sliced_wasserstein"',
    data: str = "mixture5",
) -> None:
    (folder / "own.py").write_text(STUDY.format(metrics=named, headline=headline, data=data))


def command(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SOMEBODYS, INSTALLED, ROOT)))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=where, env=environment, capture_output=True, text=True, check=False
    )


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


def test_a_study_takes_a_metric_by_its_path_into_rows_curves_mlflow_and_the_repeated_run(study: Path) -> None:
    done = command(study, "own.py", "--iterations", "120")
    assert done.returncode == 0, done.stdout + done.stderr
    directory = str(study / "results" / "own")
    manifest = read_manifest(directory)
    assert manifest.headline == ("mse_x", "sliced_wasserstein")
    assert [m.path for m in manifest.metrics if m.name == "sliced_wasserstein"] == [SLICED]
    rows = read_runs(directory).to_pylist()
    assert len(rows) == 8
    curves = read_curves(directory).to_pylist()
    assert len(curves) == 8 * 6
    last = {p["run_key"]: p["sliced_wasserstein"] for p in curves if p["iteration"] == 120}
    for row in rows:
        assert 0 < row["sliced_wasserstein"] == last[row["run_key"]]
        assert row["inception_score"] > 1
    assert len({row["sliced_wasserstein"] for row in rows}) == 8

    client, experiment = mlflow(study)
    runs = client.search_runs([experiment], "metrics.sliced_wasserstein > 0 and tags.kind = 'run'")
    assert {r.data.tags["run_key"]: r.data.metrics["sliced_wasserstein"] for r in runs} == {
        row["run_key"]: row["sliced_wasserstein"] for row in rows
    }
    history = client.get_metric_history(runs[0].info.run_id, "sliced_wasserstein")
    assert [point.step for point in sorted(history, key=lambda p: p.step)] == [20, 40, 60, 80, 100, 120]
    again = command(study, "-m", "sweeps.cli.rerun", rows[0]["run_key"], "--results", directory)
    assert (again.returncode, "equal to the bit" in again.stdout) == (0, True), again.stdout + again.stderr


def mlflow(folder: Path) -> tuple[object, str]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    return client, client.get_experiment_by_name("own").experiment_id


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            ("--search", "random", "--metrics", "sliced_wasserstein"),
            id="search-random",
        ),
        pytest.param(("--search", "tpe"), id="search-tpe"),
        pytest.param(("--halving", "2", "--allow-biased-histograms"), id="halving-2"),
    ],
)
def test_a_metric_by_its_path_is_searched_for_and_halved_by(study: Path, options: tuple[str, ...]) -> None:
    more = ("--runs", "3", "--generation", "2") if "--search" in options else ()
    done = command(study, "own.py", *options, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    name = "own-search" if "--search" in options else "own"
    rows = read_runs(str(study / "results" / name)).to_pylist()
    algorithm = "alice"
    own = {
        r["run_key"]: r["sliced_wasserstein"]
        for r in rows
        if r["algorithm"] == algorithm and r["outcome"] == "COMPLETED"
    }
    if options[0] == "--halving":
        stopped = [row for row in rows if row["algorithm"] == algorithm and row["outcome"] == "STOPPED"]
        assert (len(own), len(stopped)) == (2, 2)
        curves = {
            (p["run_key"], p["iteration"]): p["sliced_wasserstein"]
            for p in read_curves(str(study / "results" / name)).to_pylist()
        }
        at_the_rung = [curves[key, 20] for key in own]
        assert max(at_the_rung) <= min(curves[row["run_key"], 20] for row in stopped)
    else:
        assert {row["sampler"] for row in rows} == {f"{options[1]} for sliced_wasserstein, seed 0"}
    assert f"sliced_wasserstein {min(own.values()):.4g} with" in done.stdout


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


def test_a_study_that_gains_a_metric_keeps_its_rows_and_they_lack_it(tmp_path: Path) -> None:
    write(tmp_path, named="", headline='"mse_x",', data="ring")
    first = command(tmp_path, "own.py")
    assert first.returncode == 0, first.stdout + first.stderr
    directory = str(tmp_path / "results" / "own")
    before = {row["run_key"]: row for row in read_runs(directory).to_pylist()}
    assert all(row["on_ring_share"] is not None for row in before.values())  # of the installed package
    write(tmp_path, headline='"mse_x",', data="ring")
    second = command(tmp_path, "own.py", "--seeds", "2")
    assert second.returncode == 0, second.stdout + second.stderr
    rows = {row["run_key"]: row for row in read_runs(directory).to_pylist()}
    assert len(rows) == 16
    assert read_manifest(directory).headline == ("mse_x",)
    for key, row in rows.items():
        assert (row["sliced_wasserstein"] is None) == (key in before)
        assert key not in before or {**before[key], "sliced_wasserstein": None} == row
    again = command(tmp_path, "-m", "sweeps.cli.rerun", next(iter(before)), "--results", directory)
    assert (again.returncode, "equal to the bit" in again.stdout) == (0, True), again.stdout + again.stderr
    assert np.isfinite([row["mse_x"] for row in rows.values() if row["algorithm"] == "alice"]).all()
