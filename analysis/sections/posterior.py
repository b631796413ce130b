"""Posteriors of a Bayesian model whose truth is known: two marginals of each system's draws beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import matplotlib.figure
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.stats import gaussian_kde

from analysis.document.blocks import SMALL, Block, Figure, Text
from analysis.document.style import INK, MUTED, settings
from analysis.rows import load_points
from analysis.sections._exemplars import exemplars
from analysis.sections.base import MOST_SYSTEMS, Report, Section, pages
from analysis.words import counted, label, number
from result_names import exact
from result_schema import REFERENCE

Draws = npt.NDArray[np.float32]

_MARGINALS = ((0, 1), (1, 2))
"""Coordinates of each row of panels: of Eight Schools (μ, τ) and (τ, η₁), as in figure 4 of the AVB paper."""

_MASSES = (0.9, 0.7, 0.5, 0.3, 0.1)
"""Of the draws that lie within each contour."""

_CELLS = 80
_MOST = 2000
"""Draws that a density is estimated from."""

_WORDS = (
    "Marginals of each system’s median run by {measure}, beside the truth: draws, and contours within which 90, 70, "
    "50, 30 and 10 % of them lie."
)


@final
class Posterior(Section):
    """Marginals of draws; nothing where the rows are not of a Bayesian model."""

    name, order, title = "posterior", 120, "Posterior"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        names = study.manifest.coordinates
        if not names or not study.leading:
            return
        measure = study.leading[0]
        yield Text(_WORDS.format(measure=measure.label), SMALL)
        for lam in report.shown:
            ranked = {a: exemplars(study, a, lam, measure) for a in study.algorithms}
            median = {a: e.run for a, found in ranked.items() for e in found if e.rank == "median"}
            keys = [REFERENCE, *(run["run_key"] for run in median.values())]
            points = load_points(study.where, keys, study.manifest.shape)
            if REFERENCE not in points:
                yield Text(
                    f"Not drawn at λ = {exact(lam)}: no draws of the true posterior are stored.", SMALL
                )
                continue
            truth = [(f"truth ({counted(len(points[REFERENCE]), 'draw')})", INK, points[REFERENCE])]
            columns = [
                (f"{label(a)}, seed {run['seed']}\n{measure.label} {number(run[measure.column])}", report.colours[a], points[run["run_key"]])
                for a, run in median.items()
                if run["run_key"] in points
            ]  # fmt: skip
            caption = (
                f"{names[0]}, {names[1]} and {names[2]} of the posterior at λ = {exact(lam)}: contours that lie where those of the truth do "
                "are right, narrower ones are too sure."
            )
            for page, keys in pages([title for title, *_ in columns], MOST_SYSTEMS - 1):
                figure = posterior_figure(
                    [*truth, *(column for column in columns if column[0] in keys)], names
                )
                yield Figure(f"posterior_lambda_{exact(lam)}{page.suffix}", figure, f"{caption}{page.words}")


def posterior_figure(
    columns: Sequence[tuple[str, str, Draws]], coordinates: Sequence[str]
) -> matplotlib.figure.Figure:
    """One column per sample and one row per marginal: draws, and contours of a kernel density estimate.

    Args:
        columns: title, colour and draws [n, d]; the truth first, which sets what is seen.
        coordinates: names of the d coordinates.
    """
    with settings():
        wide, high = len(columns), len(_MARGINALS)
        figure = matplotlib.figure.Figure(figsize=(2.35 * wide + 0.4, 2.5 * high), layout="constrained")
        panels = figure.subplots(high, wide, squeeze=False, sharex="row", sharey="row")
        for row, pair in enumerate(_MARGINALS):
            truth = columns[0][2][:, pair]
            centre, reach = truth.mean(0), 3.6 * truth.std(0)
            for column, (title, colour, draws) in enumerate(columns):
                panel = panels[row][column]
                _marginal(panel, draws[:_MOST, pair], colour, centre - reach, centre + reach)
                panel.set_xlabel(coordinates[pair[0]])
                if column == 0:
                    panel.set_ylabel(coordinates[pair[1]])
                if row == 0:
                    panel.set_title(title, fontsize=8.5, color=INK)
    return figure


def _marginal(panel: Axes, draws: Draws, colour: str, low: Draws, high: Draws) -> None:
    panel.set_xlim(float(low[0]), float(high[0]))
    panel.set_ylim(float(low[1]), float(high[1]))
    panel.scatter(draws[:, 0], draws[:, 1], s=3, color=colour, alpha=0.25, linewidths=0, rasterized=True)
    try:
        density = gaussian_kde(draws.T)
    except np.linalg.LinAlgError:
        panel.text(0.5, 0.06, "draws on a line", ha="center", color=MUTED, transform=panel.transAxes)
        return
    x, y = np.meshgrid(*(np.linspace(low[d], high[d], _CELLS) for d in (0, 1)))
    heights = density(np.stack([x.ravel(), y.ravel()])).reshape(x.shape)
    levels = np.unique(np.quantile(density(draws.T), [1 - mass for mass in _MASSES]))
    panel.contour(x, y, heights, levels=levels, colors=[colour], linewidths=0.9)
