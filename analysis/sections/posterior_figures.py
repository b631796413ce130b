"""Figures of posteriors: two marginals of each system's draws beside the truth's. Only drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from analysis.document.style import INK, MUTED, settings

Draws = npt.NDArray[np.float32]

_MARGINALS = ((0, 1), (1, 2))
"""Coordinates of each row of panels: of Eight Schools (μ, τ) and (τ, η₁), as in figure 4 of the AVB paper."""

_MASSES = (0.9, 0.7, 0.5, 0.3, 0.1)
"""Of the draws that lie within each contour."""

_CELLS = 80
_MOST = 2000
"""Draws that a density is estimated from."""


def posterior_figure(columns: Sequence[tuple[str, str, Draws]], coordinates: Sequence[str]) -> Figure:
    """One column per sample and one row per marginal: draws, and contours of a kernel density estimate.

    Args:
        columns: title, colour and draws [n, d]; the truth first, which sets what is seen.
        coordinates: names of the d coordinates.
    """
    with settings():
        wide, high = len(columns), len(_MARGINALS)
        figure = Figure(figsize=(2.35 * wide + 0.4, 2.5 * high), layout="constrained")
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
