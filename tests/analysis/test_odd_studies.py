"""Studies that nobody meant: a readable report and exit code 0, or one line and exit code 2."""

from __future__ import annotations

import json
import math
from html import escape

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import rows
from analysis.comparison.trends import mean_trend
from analysis.contents import build
from analysis.document.files import render
from analysis.document.style import colours, drawable, log_axis
from analysis.importance.best_of_k import budget_curve
from analysis.importance.effects import causes, effects
from analysis.importance.fanova import importances
from analysis.report import main
from analysis.rows import load
from analysis.sections._lambda_figures import lambda_figure, lambda_places
from analysis.sections.best_of_k import budget_figure
from analysis.sections.samples import Samples
from analysis.statistics.estimates import mean_and_std
from analysis.statistics.histograms import linear_edges, log_edges
from analysis.words import counted
from result_manifest import MANIFEST
from result_schema import METRICS
from tests.analysis.conftest import HYPER_PARAMETERS
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, MSE

CODE = '__import__("os").system("echo > executed")'
NAMES = ("learning-rate", "lambda", "class", "C", "a:b", "x y", "1st", "$x", "rank", CODE, "名前", "_x")


@pytest.mark.parametrize("name", NAMES)
def test_a_hyper_parameter_of_any_name_is_a_factor_like_another(run, name, tmp_path, monkeypatch):
    # Values 1 … 8 by name, depth and seed: ranks' sum of squares is 42, and 4 · 2² · 2 of it the name's.
    monkeypatch.chdir(tmp_path)
    runs = pd.DataFrame([
        run("alice", 2 * level + depth, seed=seed, depth=depth, inception_score=1 + 4 * level + 2 * depth + seed,
            outcome="DIVERGED" if level == depth == seed == 0 else "COMPLETED", **{name: level})
        for level in (0, 1) for depth in (0, 1) for seed in (0, 1)
    ])  # fmt: skip
    found = {effect.term: effect.share for effect in effects(runs, [name, "depth"], INCEPTION)}
    assert found[name,] == pytest.approx(32 / 42)
    assert {cause.factor for cause in causes(runs, [name, "depth"])} == {name, "depth"}
    assert set(importances(runs, [name, "depth"], INCEPTION)) == {name, "depth"}
    assert not list(tmp_path.iterdir())


def test_names_in_a_manifest_are_shown_and_not_executed(store, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = (CODE, "$x", "名前", "_x", "rank")
    runs = [run(a, i, inception_score=4 + 0.01 * i, **{n: i // 2**k % 2 for k, n in enumerate(names)})
            for a in ("$\\foo$", "_y") for i in range(32)]  # fmt: skip
    where = store(runs, hyper_parameters={**dict.fromkeys(names, "int"), **HYPER_PARAMETERS})
    assert main([str(where)]) == 0
    assert not (tmp_path / "executed").exists()
    html = (where / "report" / "report.html").read_text()
    assert "Figures write what their font lacks by code point: 名前 as [U+540D][U+524D]." in html
    assert [name for name in (*names, "$\\foo$", "_y") if escape(name) not in html] == []


@pytest.mark.parametrize("searched", [False, True])
def test_words_and_what_some_runs_have_not_are_levels_like_numbers(store, run, searched):
    def point(i):
        if i % 3:
            return {
                "encoder": "my_nets:Conv",
                "channels": 4 * (1 + i % 2),
                "slope": 0.01 + i / 100,
                "width": None,
            }
        return {"encoder": "mlp", "channels": None, "slope": None, "width": [32, 64][i % 2]}

    kinds = {"encoder": "str", "channels": "int", "slope": "float", "width": "int"}
    runs = [
        run(a, i, inception_score=3 + 0.1 * (i % 3) + 0.01 * i, **point(i))
        for a in ("svae_r", "alice")
        for i in range(36)
    ]
    where = store(runs, hyper_parameters={**kinds, **HYPER_PARAMETERS})
    fields = json.loads((where / MANIFEST).read_text())
    (where / MANIFEST).write_text(json.dumps(fields | {"searched": searched}))
    assert main([str(where)]) == 0
    words = (where / "report" / "summary.md").read_text()
    assert "my_nets:Conv" in words
    assert rows.HAS_NONE in set(rows.load(str(where)).runs["channels"])
    assert set(rows.load(str(where)).runs["channels"]) == {"4", "8", rows.HAS_NONE}
    assert len(set(rows.load(str(where)).runs["slope"])) == 5


def test_points_are_shown_by_the_metric_that_most_systems_have_and_of_the_others_by_their_own(store, run):
    have = {"alice": {}, "ali": {"mse_x": None}, "gan": {"mse_x": None, "mse_z": None}}
    where = store([run(name, i, **lacking) for name, lacking in have.items() for i in range(3)])
    fields = json.loads((where / MANIFEST).read_text())
    headline = ["mse_x", "mse_z", "inception_score"]
    for names, words in ((headline[:2], "by MSE of z."), (headline, "by inception score.")):
        (where / MANIFEST).write_text(json.dumps(fields | {"headline": names}))
        assert f"worst COMPLETED run {words}" in made(Samples, rows.load(str(where))).body


@pytest.mark.parametrize("name", ["lam", "outcome", "mse_x", "algorithm"])
def test_a_hyper_parameter_with_the_name_of_a_column_is_one_line(store, run, capsys, name):
    where = store([run("alice", 0), run("alice", 1)])
    fields = json.loads((where / MANIFEST).read_text())
    (where / MANIFEST).write_text(json.dumps(fields | {"hyper_parameters": {name: "float"}}))
    assert main([str(where)]) == 2
    said = capsys.readouterr().err
    assert f"names of their own, got {name}, which every row has already; rename" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("lam", [math.nan, math.inf, -1.0])
def test_a_lambda_that_is_none_is_one_line(store, run, capsys, lam):
    where = store([run("alice", 0), run("alice", 1, lam)])
    assert main([str(where)]) == 2
    said = capsys.readouterr().err
    assert f"must have λ >= 0 and finite in every row, but has λ = {lam} in 1 of 2" in said
    assert len(said.splitlines()) == 1


CLOSE = (0.1, 0.1000000001, 0.10000000011)
EXTREME = ((1e-300, 1.0), (1e-10, 1e300), (1e300, 2.0), (0.0, 3.0))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("extreme", "1e+300"),
        ("close", "0.1, 0.1000000001, 0.10000000011"),
        ("one", "<b>1</b><span>runs</span>"),
        ("far", "1e-300"),
    ],
)
def test_a_report_is_readable(store, run, name, said):
    runs = {
        "extreme": [
            run(a, i, mse_x=m, inception_score=s)
            for a in ("svae_r", "alice")
            for i, (m, s) in enumerate(EXTREME)
        ],
        "close": [run(a, 0, lam) for a in ("svae_r", "alice") for lam in CLOSE],
        "one": [run("alice", 0)],
        "far": [run("alice", i, lam) for i in range(2) for lam in (0.0, 1e-300, 1.0)],
    }[name]
    files = build(load(str(store(runs)))).files
    html = files["report.html"].decode()
    assert said in html
    assert ">nan" not in html
    assert "inf<" not in html
    if name == "close":
        assert {f"{figure}_lambda_{lam}.png" for figure in ("samples", "budget") for lam in CLOSE} <= set(
            files
        )
        assert "of 1 configuration)" in html


def test_runs_that_generate_no_points_have_no_figure_of_them(store, run):
    files = build(load(str(store([run("alice", i) for i in range(3)], points=0)))).files
    assert Samples.title not in files["summary.md"].decode()
    assert not [name for name in files if name.startswith("samples")]


def test_edges_enclose_numbers_of_any_size():
    assert log_edges(np.array([1e-300, 1e300]))[-1] >= 1e100
    assert np.all(np.diff(log_edges(np.array([1e-300, 1e300]))) > 0)
    assert linear_edges(np.array([1.0, 1e300]))[-1] == 1e300
    assert np.all(np.diff(linear_edges(np.array([1e300, 1e300]))) > 0)
    assert len(log_edges(np.array([1.05]))) == 9  # a decade: words of its ticks have room


def test_std_of_numbers_whose_squares_are_none_is_one():
    mean, std = mean_and_std(np.array([1e300, 3e300]))
    assert (mean, std) == (pytest.approx(2e300), pytest.approx(math.sqrt(2) * 1e300))


def test_constant_metrics_have_no_spread_and_trends_that_cancel_add_up_to_nothing():
    assert mean_and_std(np.full(7, 0.2)) == (0.2, 0.0)
    taus = np.array([0.1, 0.2, -0.3])
    assert np.mean(taus) != 0
    assert mean_trend(taus).point == 0


def test_lambda_axis_keeps_the_words_of_its_ticks_apart():
    assert lambda_places([0.0, 1e-300, 1.0]) == {0.0: pytest.approx(-336), 1e-300: -300, 1.0: 0}
    columns = [f"{m}_{part}" for m in METRICS for part in ("median_worst_rank", "median_worst_rank_low", "median_worst_rank_high",
                                                           "q25_worst_rank", "q75_worst_rank")]  # fmt: skip
    shares = ["diverged_share", "diverged_share_low", "diverged_share_high"]

    def words(lambdas):
        summary = pd.DataFrame(
            [{"algorithm": "alice", "lam": lam, **dict.fromkeys(columns + shares, 1.0)} for lam in lambdas]
        )
        panel = lambda_figure(summary, (MSE, INCEPTION), {"alice": "red"}).axes[0]
        return [text.get_text() for text in panel.get_xticklabels()]

    assert words([0.0, 1e-300, 1.0]) == ["0", "1e-300", "1"]
    assert words([0.1, 0.1000000001, 1.0]) == ["0.1", "1"]


def test_a_curve_of_one_run_is_a_point(run, study):
    curve = budget_curve(study([run("alice", 0)]), "alice", 0.1, MSE)
    panel = budget_figure({MSE: {"alice": curve}}, colours(["alice"])).axes[0]
    assert panel.lines[0].get_marker() == "o"


def test_words_of_figures_are_no_mathematics_and_their_legends_have_every_name(run, study):
    rows = study([run(name, i, mse_x=0.1 + i) for name in (r"$\alpha$", "名前", "_x") for i in range(3)])
    curves = {name: budget_curve(rows, name, 0.1, MSE) for name in rows.algorithms}
    figure = budget_figure({MSE: curves}, colours(rows.algorithms))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"$\alpha$", "_x", "名前"]
    render(figure)  # a missing glyph or bad mathematics would be an error
    assert drawable("a名b$") == r"a[U+540D]b\$"


@pytest.mark.parametrize(("low", "high", "most"), [(0.1, 8.0, 4), (1.0, 9.0, 4), (1e-6, 1.0, 8)])
def test_words_of_a_logarithmic_axis_are_few(low, high, most):
    figure = Figure()
    panel = figure.subplots()
    panel.plot([low, high], [1, 2])
    log_axis(panel, "x")
    render(figure)
    left, right = panel.get_xlim()
    ticks = [*panel.xaxis.get_major_ticks(), *panel.xaxis.get_minor_ticks()]
    words = [tick.label1.get_text() for tick in ticks if left <= tick.get_loc() <= right]
    assert 1 <= sum(map(bool, words)) <= most


def test_one_of_a_thing_is_singular():
    assert [counted(n, "configuration") for n in (0, 1, 1152)] == [
        "0 configurations",
        "1 configuration",
        "1,152 configurations",
    ]
