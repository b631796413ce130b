"""Figures, pages and words: drawn without a warning whatever is missing, and nothing unescaped."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.contents import build
from analysis.document import html, markdown
from analysis.document.blocks import Part, Table, Text
from analysis.document.files import render
from analysis.document.style import colours, log_axis
from analysis.rows import Modes, load
from analysis.sections._exemplars import Exemplar
from analysis.sections._lambda_figures import lambda_places
from analysis.sections._sample_figures import gallery_figure, sample_figure
from analysis.sections.all_systems import cells_of
from analysis.sections.along_lambda import AlongLambda
from analysis.statistics.estimates import Interval
from analysis.stored_names import MODES
from analysis.words import bounded, label, number, p_value, percent
from result_mosaics import mosaics
from result_names import exact
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, MSE


@pytest.mark.parametrize(
    "outcomes",
    [
        {"svae_r": ["COMPLETED"], "alice": ["COMPLETED"]},
        {"svae_r": ["COMPLETED"] * 3, "alice": ["DIVERGED"] * 3},
        {"alice": ["STOPPED", "FAILED"]},
    ],
)
def test_build_gives_every_file_when_results_are_few(store, run, outcomes):
    runs = [run(a, i, outcome=o) for a, found in outcomes.items() for i, o in enumerate(found)]
    files = build(load(str(store(runs)))).files
    assert list(files)[-1] == "report.html"
    assert {"summary.csv", "summary.md", "histograms.png", "histograms.svg"} <= set(files)
    assert (b"it compares two systems" in files["report.html"]) == (len(outcomes) == 1)
    assert b">nan" not in files["report.html"]


NOTHING = dict.fromkeys(("mse_x", "mse_z", "inception_score", "modes_covered", "on_mode_share"))


@pytest.mark.parametrize(
    ("algorithms", "changes"),
    [
        (("gan", "wgan"), dict.fromkeys(("mse_x", "mse_z"))),  # what has no encoder
        (("gan", "wgan"), NOTHING),
        (("gan", "wgan"), {"outcome": "DIVERGED"}),
        (("svae_r", "alice"), {"outcome": "STOPPED"}),
        (("svae_r", "alice"), {"mse_x": math.inf, "inception_score": -math.inf}),
        (("svae_r", "alice"), {"mse_x": 0.0}),
    ],
)
def test_build_gives_every_figure_when_a_metric_has_no_value_to_draw(store, run, algorithms, changes):
    runs = [run(a, i, lam, **changes) for a in algorithms for i in range(2) for lam in (0.1, 10.0)]
    files = build(load(str(store(runs)))).files
    assert {
        "histograms.png",
        "paired.png",
        "differences.png",
        "lambda.png",
    } <= set(files)
    assert b">nan" not in files["report.html"]


def test_a_panel_without_a_finite_value_says_so():
    figure = Figure()
    panel, full = figure.subplots(1, 2)
    panel.plot([1.0, 2.0], [math.nan, math.inf])
    log_axis(panel, "y")
    full.plot([1.0, 2.0], [3.0, math.nan])
    log_axis(full, "y")
    render(figure)
    assert [text.get_text() for text in panel.texts] == ["no finite value"]
    assert (panel.get_yscale(), full.get_yscale(), list(full.texts)) == ("linear", "log", [])


def test_trends_of_a_system_take_configurations_that_have_one_metric_alone(store, run):
    runs = [run("vae", i, lam) for i in range(3) for lam in (0.1, 1.0, 10.0)]
    runs += [run("gan", i, lam, mse_x=None) for i in range(3) for lam in (0.1, 1.0, 10.0)]
    assert "Trends with" in made(AlongLambda, load(str(store(runs)))).body


def test_numbers_that_look_alike_keep_their_own_figures_and_words(store, run):
    close = (0.3, 0.30000000000000004)
    runs = [run(a, i, lam) for a in ("svae_r", "alice") for i in range(2) for lam in close]
    files = build(load(str(store(runs)))).files
    assert {f"samples_lambda_{lam!r}.svg" for lam in close} <= set(files)
    assert "<span>λ</span>" in (page := files["report.html"].decode())
    assert "0.3, 0.30000000000000004" in page


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0"), (1.0, "1"), (1e-5, "1e-05"), (0.30000000000000004, "0.30000000000000004"), (1 / 3, "0.3333333333333333"), (1e6, "1e+06")]
)  # fmt: skip
def test_exact_has_as_many_digits_as_tell_it_from_any_other(value, words):
    assert exact(value) == words
    assert float(exact(value)) == value


def test_figures_are_the_same_whatever_the_users_matplotlibrc_says(run):
    shown, drawn = {"alice": []}, []
    for theirs in (
        {},
        {"text.usetex": True, "figure.facecolor": "red", "savefig.bbox": "tight", "lines.linewidth": 9},
    ):
        with mpl.rc_context(theirs):
            drawn.append(render(sample_figure(shown, {}, [INCEPTION], colours(["alice"]), None)))
    assert drawn[0] == drawn[1]


def test_sample_figure_titles_name_the_run_and_draw_five_true_modes(run):
    shown = {
        "alice": [Exemplar("best", run("alice", 417, inception_score=4.9, mse_x=0.02, on_mode_share=0.93))]
    }
    key = shown["alice"][0].run["run_key"]
    points = {key: np.array([[0.0, 0.0], [9.0, 9.0]], np.float32)}
    panels = sample_figure(
        shown, points, [INCEPTION, MSE], colours(["alice"]), Modes(*MODES["mixture5-v1"])
    ).axes
    assert panels[0].get_title() == "best: alice λ=0.1 #0417 seed 0\ninception score 4.90, MSE 0.0200"
    assert [circle.radius for circle in panels[0].patches] == pytest.approx([0.6] * 5)  # three times 0.2
    words = [text.get_text() for text in panels[0].texts]
    assert words == ["1 of 2 outside"]
    assert [text.get_text() for text in panels[1].texts] == ["no COMPLETED run"]


def test_images_are_drawn_as_a_grid_and_a_metric_that_a_system_lacks_is_not_named(run):
    one = run("gan", 0, inception_score=3.0, mse_x=math.nan, on_mode_share=math.nan)
    images = np.linspace(0, 1, 256 * 4, dtype=np.float32).reshape(256, 2, 2)
    shown = {"gan": [Exemplar("median", one)], "vae": []}
    for draw in (sample_figure, gallery_figure):
        drawn = mosaics({one["run_key"]: images}, (2, 2), ink=True)
        panels = draw(shown, drawn, [INCEPTION, MSE], colours(["gan", "vae"]), None).axes
        (panel,) = [p for p in panels if p.images]
        assert panel.get_title().splitlines()[1] == "inception score 3.00"
        grid = panel.images[0].get_array()
        assert grid.shape == (23, 23, 3)  # 8 images of two pixels, each way, and 7 lines between them
        for colour in range(3):
            np.testing.assert_array_equal(grid[3:5, 3:5, colour], 255 - np.round(255 * images[9]))


def test_systems_table_leaves_out_columns_that_no_system_has_and_dashes_what_one_lacks(run, study):
    runs = [run("gan", n, mse_x=math.nan, inception_score=3.0 + n) for n in range(3)]
    runs += [run("vae", n, inception_score=4.5) for n in range(3)] + [run("avb", 0, outcome="DIVERGED")]
    header, cells = cells_of(study(runs))
    assert header[4:] == ["inception score", "modes covered", "on-mode share", "MSE", "seconds a run"]
    assert [(row[1], row[2], row[3]) for row in cells] == [
        ("VAE", "3", "0"),
        ("GAN", "3", "0"),
        ("AVB", "1", "1"),
    ]
    assert cells[0][4] == "4.50 [4.50, 4.50]"
    assert cells[1][7] == cells[2][4] == "–"


def test_lambda_places_set_zero_one_unit_left_of_the_smallest():
    assert lambda_places([0.0, 0.01, 10.0]) == {0.0: -3.0, 0.01: -2.0, 10.0: 1.0}
    assert lambda_places([0.0]) == {0.0: 0.0}


def test_colours_of_known_algorithms_do_not_depend_on_their_company():
    assert colours(["svae_r", "wgan"])["svae_r"] == colours(["avb", "svae_r"])["svae_r"]
    assert len(set(colours(["svae_r", "alice", "svae", "ali", "wgan", "avb"]).values())) == 6


def test_label_falls_back_to_the_name():
    assert (label("svae_r"), label("mine")) == ("sVAE-r", "mine")


@pytest.mark.parametrize(
    ("value", "words"),
    [(4.5949, "4.59"), (-0.02, "−0.0200"), (0.0, "0"), (1.5e-7, "1.5e−07"), (123456.0, "1.23e+05"),
     (math.nan, "–"), (math.inf, "∞")],
)  # fmt: skip
def test_number_has_three_significant_digits(value, words):
    assert number(value) == words


def test_intervals_read_as_point_and_bounds():
    assert bounded(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"
    assert bounded(Interval(0.5, math.nan, math.nan)) == "0.500"
    assert percent(Interval(0.123, 0.1, 0.15)) == "12.3 % [10.0, 15.0]"
    assert (p_value(1e-12), p_value(0.0312)) == ("< 1e−10", "0.031")


def test_page_escapes_what_comes_from_the_rows():
    page = html.page("<b>", "<i>", [Text("<u>")], [Part("<s>", [Table(["<a>"], [["<td x>"]])])])
    for raw in ("<b>", "<i>", "<u>", "<s>", "<a>", "<td x>"):
        assert raw not in page.replace("<title>", "")


def test_markdown_table_keeps_its_columns_when_a_cell_has_a_bar():
    assert markdown.table(["a"], [["x|y"]]).splitlines() == ["| a |", "| --- |", "| x\\|y |"]
