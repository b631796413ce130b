"""The report's parts along hyper-parameters that algorithms have of their own."""

from __future__ import annotations

from analysis.axes import axes, turned
from analysis.comparison.trends import TOLERANCE, by_lambda, mean_trend, trends
from analysis.document import page
from analysis.document.files import render
from analysis.document.page import Section
from analysis.document.style import colours
from analysis.rows import Rows
from analysis.sections.figure_sections import Part
from analysis.sections.lambda_sections import range_cells
from analysis.sections.paired_tables import Table
from analysis.sections.trend_figures import lambda_figure
from analysis.statistics.summary import summarise
from analysis.vocabulary import INCEPTION, MSE
from analysis.words import bounded

_CAPTION = (
    "Medians with 95 % bands (dark) and quartiles (light), in which a DIVERGED run is worse than any value, and the share of results that "
    "DIVERGED with its Wilson band, along {axis}, all else equal."
)
_RANGES = (
    "The unbroken range of {axis} about its best value whose medians over configurations are within {part:.0%} of the best median, with its width in "
    "decades (bootstrap over configurations); and Kendall’s τ-b between {axis} and the metric, +1: it improves with every step, within configurations "
    "and averaged over them, with Student’s interval. Intervals are 95 %, each by itself: descriptions, of which no verdict is made."
)


def own_sections(study: Rows) -> list[Part]:
    """A part for each hyper-parameter of which an algorithm has three values or more (`axes.LEAST`)."""
    return [] if study.manifest.searched else [_section(turned(study, axis), axis) for axis in axes(study)]


def _section(study: Rows, axis: str) -> Part:
    drawing = render(f"along_{axis}", lambda_figure(summarise(study), colours(study.algorithms), axis))
    body = page.figure(drawing, _CAPTION.format(axis=axis))
    body += page.paragraph(_RANGES.format(axis=axis, part=TOLERANCE), "small") + page.table(
        *cells_of(study, axis)
    )
    return Section(f"Along {axis}", body), [drawing]


def cells_of(study: Rows, axis: str) -> Table:
    """Header and one line per system and metric of a turned study: the range of good values, and the trend."""
    header = [
        "system",
        "metric",
        f"best {axis}",
        "median there",
        f"range of {axis}",
        "decades [95 %]",
        "τ [95 %]",
    ]
    lines = iter(range_cells(study)[1])
    cells = []
    for algorithm in study.algorithms:
        for measure in (MSE, INCEPTION):
            found = measure.better * trends(by_lambda(study, algorithm, measure).to_numpy(float))
            cells.append([*next(lines), bounded(mean_trend(found))])
    return header, cells
