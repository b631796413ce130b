"""The report's part along hyper-parameters that algorithms have of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.axes import axes, turned
from analysis.comparison.trends import TOLERANCE, by_lambda, mean_trend, trends
from analysis.document.blocks import SMALL, Block, Cells, Figure, Heading, Table, Text
from analysis.document.style import colours
from analysis.rows import Rows
from analysis.sections._lambda_figures import lambda_figure
from analysis.sections.along_lambda import range_cells
from analysis.sections.base import MOST_SYSTEMS, Report, Section, better, crowded
from analysis.statistics.summary import summarise
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


@final
class AlongOwn(Section):
    """A figure and a table for each hyper-parameter of which an algorithm has three values or more (`axes.LEAST`)."""

    name, order, title = "along_own", 145, "Along hyper-parameters of algorithms"

    def heading(self, report: Report) -> str:
        return f"Along {', '.join(axes(report.study))}"

    def blocks(self, report: Report) -> Iterator[Block]:
        names = [] if report.study.manifest.searched else axes(report.study)
        for axis in names:
            study = turned(report.study, axis)
            if len(names) > 1:
                yield Heading(axis)
            if len(study.algorithms) <= MOST_SYSTEMS:
                drawn = colours(study.algorithms, study.manifest.colours)
                figure = lambda_figure(summarise(study), study.headline, drawn, axis)
                yield Figure(
                    f"along_{axis}", figure, f"{_CAPTION.format(axis=axis)} {better(study.headline)}"
                )
            else:
                yield Text(crowded(study), SMALL)
            yield Text(_RANGES.format(axis=axis, part=TOLERANCE), SMALL)
            yield Table(*cells_of(study, axis))


def cells_of(study: Rows, axis: str) -> Cells:
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
        for measure in study.headline:
            found = measure.better * trends(by_lambda(study, algorithm, measure).to_numpy(float))
            cells.append([*next(lines), bounded(mean_trend(found))])
    return header, cells
