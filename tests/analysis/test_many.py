"""Studies of many λ and systems: figures in which nothing lies on anything else, tables that stay in a window, short numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.comparison.paired import match
from analysis.document import html
from analysis.document.blocks import Table
from analysis.document.style import colours, legend, settings
from analysis.rows import Rows
from analysis.sections._lambda_figures import lambda_figure, plane_figure
from analysis.sections._paired_figures import paired_scatter_figure
from analysis.sections._systems_figure import in_order, systems_figure
from analysis.sections.all_systems import AllSystems
from analysis.sections.along_lambda import AlongLambda
from analysis.sections.base import better
from analysis.sections.by_hyper_parameter import cells_of
from analysis.statistics.summary import summarise
from analysis.words import shortened
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, MSE

LAMBDAS = [0.0, *np.logspace(-3, 2, 99).tolist()]
SYSTEMS = [f"system number {n:02d}" for n in range(30)]


@pytest.fixture(scope="module")
def along() -> pd.DataFrame:
    """A summary of two systems at 100 λ that lie close to each other in places."""
    noise = np.random.default_rng(0)
    lines = []
    for name in ("svae_r", "alice"):
        for place, lam in enumerate(LAMBDAS):
            error, score = 10 ** (-place // 25 + 0.05 * noise.normal()), 4 + 0.2 * noise.normal()
            line = {
                "algorithm": name,
                "lam": lam,
                "diverged_share": 0.1,
                "diverged_share_low": 0.0,
                "diverged_share_high": 0.2,
            }
            for column, value in (("mse_x", error), ("inception_score", score)):
                ends = {"": 1.0, "_low": 0.9, "_high": 1.1}
                line |= {f"{column}_median_worst_rank{end}": value * factor for end, factor in ends.items()}
                line |= {f"{column}_q25_worst_rank": 0.8 * value, f"{column}_q75_worst_rank": 1.2 * value}
            lines.append(line)
    return pd.DataFrame(lines)


def boxes(figure: Figure, texts: list) -> list:
    """Where words are drawn, in pixels."""
    canvas = FigureCanvasAgg(figure)
    with settings():
        canvas.draw()
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    return [text.get_window_extent(canvas.get_renderer()) for text in shown]


def overlapping(found: list) -> int:
    return sum(one.overlaps(other) for i, one in enumerate(found) for other in found[:i])


def labels(panel: Axes) -> list[str]:
    low, high = panel.get_xlim()
    return [text.get_text() for text in panel.get_xticklabels() if low <= text.get_position()[0] <= high]


def test_words_in_the_plane_do_not_lie_on_each_other_and_name_the_ends(along):
    fronts = dict.fromkeys(("svae_r", "alice"), LAMBDAS[50:])
    figure = plane_figure(along, fronts, MSE, INCEPTION, colours(["svae_r", "alice"]))
    words = list(figure.axes[0].texts)
    assert overlapping(boxes(figure, words)) == 0
    assert {"0", "100"} <= {text.get_text() for text in words}
    assert 8 <= len(words) < 100


def test_every_point_of_few_has_its_name(along):
    few = along[along["lam"].isin(LAMBDAS[::25])]
    figure = plane_figure(few, {}, MSE, INCEPTION, colours(["svae_r", "alice"]))
    assert len(figure.axes[0].texts) == 8


def test_curves_of_many_lambdas_are_lines_on_an_axis_of_powers_of_ten(along):
    figure = lambda_figure(along, (MSE, INCEPTION), colours(["svae_r", "alice"]))
    panel = figure.axes[0]
    assert labels(panel) == ["0", "0.001", "0.01", "0.1", "1", "10", "100"]
    assert overlapping(boxes(figure, panel.get_xticklabels())) == 0
    curves = [line for line in panel.lines if len(line.get_xdata()) > 1 and line.get_linestyle() == "-"]
    assert [line.get_marker() for line in curves] == ["None", "None"]
    # λ = 0 stands alone: a point of each system, beside the other's.
    points = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "o"]
    assert len(set(points)) == 2


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([0.0, 0.1, 12345.0], ["0", "0.1", "12345"]),
        ([0.016768329368110083, 0.1], ["0.0168", "0.1"]),
        ([0.0167683293681, 0.0167712345678], ["0.016768", "0.016771"]),
        ([0.3, 0.30000000000000004], ["0.3", "0.30000000000000004"]),
    ],
)
def test_numbers_are_as_short_as_tells_them_apart(numbers, words):
    assert list(shortened(numbers).values()) == words


@pytest.fixture
def many(run, study) -> Rows:
    """Thirty systems at three λ, of which one DIVERGED always and one has no MSE."""

    def one(n: int, i: int, lam: float) -> dict:
        if n == 29:
            return run(SYSTEMS[n], i, lam, outcome="DIVERGED")
        mse = None if n == 28 else 0.1 * (1 + n)
        return run(SYSTEMS[n], i, lam, inception_score=2 + n / 20 + i / 100, mse_x=mse)

    return study([one(n, i, lam) for n in range(30) for i in range(5) for lam in (0.1, 1.0, 10.0)])


def test_many_systems_have_a_line_each_the_best_on_top(many):
    summary = summarise(many)
    order = in_order(summary, INCEPTION)
    assert order[:2] == [SYSTEMS[28], SYSTEMS[27]]
    assert order[-1] == SYSTEMS[29]
    assert in_order(summary, MSE)[0] == SYSTEMS[0]
    figure = systems_figure(summary, order, (INCEPTION, MSE), many.lambdas)
    score, error, lost = figure.axes
    assert overlapping(boxes(figure, score.get_yticklabels())) == 0
    assert [len(line.get_xdata()) for line in score.lines] == [29, 29, 29]  # but for the one that DIVERGED
    assert [len(line.get_xdata()) for line in error.lines] == [28, 28, 28]
    assert [line.get_xdata()[-1] for line in lost.lines] == [100.0] * 3


def test_a_report_of_many_systems_draws_them_once_and_says_where_it_does_not(many):
    table = made(AllSystems, many)
    assert [drawing.name for drawing in table.drawings] == ["systems"]
    assert (
        "the best by inception score on top. Higher inception score and lower MSE are better." in table.body
    )
    along = made(AlongLambda, many)
    assert along.drawings == []
    assert "30 systems would hide one another" in along.body
    header, cells = cells_of(many, 1.0)
    assert header[:3] == ["hyper-parameter", "level", "system"]
    assert len(header) == 6
    assert len(cells) == 30 * 4  # two hyper-parameters of two levels each


def test_of_systems_on_more_than_a_figure_each_is_on_one_page(run, study):
    rows = study([run(f"s{n:03d}", i) for n in range(90) for i in range(2)])
    drawn = made(AllSystems, rows).drawings
    assert [one.name for one in drawn] == ["systems", "systems_page_2"]
    assert drawn[1].caption.endswith("Page 2 of 2.")


def test_a_long_table_stays_in_a_window_and_says_how_long_it_is():
    lines = [[str(i), "1"] for i in range(html.LONGEST_TABLE + 1)]
    long, short = (html.printed([Table(["a", "b"], own, 1)]) for own in (lines, lines[1:]))
    assert re.search(r'class="scroll long" tabindex=0', long)
    assert "41 lines; a click on a header sorts them." in long
    assert "long" not in short
    assert "lines" not in short


def test_a_legend_is_no_wider_than_its_figure():
    with settings():
        figure = Figure(figsize=(6, 3), layout="constrained")
        figure.subplots()
        legend(figure, [Line2D([], []) for _ in SYSTEMS[:6]], SYSTEMS[:6])
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box = figure.legends[0].get_window_extent(canvas.get_renderer())
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_a_figure_of_pairs_is_no_wider_than_a_page(run, study):
    runs = [
        run(a, i, lam, mse_x=0.1 + i)
        for a in ("svae_r", "alice")
        for i in range(3)
        for lam in (0.0, 0.01, 0.1, 1.0, 10.0)
    ]
    pairs = match(study(runs), "svae_r", "alice")
    figure = paired_scatter_figure(
        pairs, [MSE.compared, INCEPTION], pairs.lambdas, colours(["svae_r", "alice"])
    )
    assert figure.get_figwidth() <= 12
    words = [axes.xaxis.label for axes in figure.axes] + [axes._left_title for axes in figure.axes]
    found = boxes(figure, words)
    assert overlapping(found) == 0
    assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height for box in found)


def test_a_caption_says_which_values_are_better():
    assert better([MSE, INCEPTION]) == "Lower MSE and higher inception score are better."
    assert better([MSE]) == "Lower MSE is better."
    assert better([]) == ""
