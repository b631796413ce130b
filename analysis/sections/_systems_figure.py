"""Many systems beside each other, a line each: only drawing, the numbers come from `summary`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.document.style import INK, legend, log_axis, panel_title, settings, tick_words
from analysis.vocabulary import Measure
from analysis.words import label, shortened

MOST = 60
"""Systems of one figure."""

_LINE = 0.21
"""Inches from one system to the next."""

_SPREAD = 0.5
"""Part of that over which the λ of a system stand below one another."""


def in_order(summary: pd.DataFrame, measure: Measure) -> list[str]:
    """Systems by the median over λ of their medians of a measure, DIVERGED as worst; the best first, those without it last."""
    medians = summary.groupby("algorithm", sort=False)[f"{measure.column}_median_worst_rank"].median()
    return [
        str(name) for name in (-measure.better * medians).sort_values(kind="stable", na_position="last").index
    ]


def systems_figure(
    summary: pd.DataFrame, systems: Sequence[str], measures: Sequence[Measure], lambdas: Sequence[float]
) -> Figure:
    """Medians, DIVERGED as worst, and the share DIVERGED, with 95 % bars: a panel per metric, a line per system, a shade per λ.

    Args:
        summary: `summary.summarise`'s table.
        systems: from top to bottom, one at least.
        measures: those of the panels.
        lambdas: those to draw.
    """
    shades = dict(zip(lambdas, _shades(len(lambdas)), strict=True))
    table = summary.set_index(["lam", "algorithm"])
    with settings():
        columns = [(f"{m.column}_median_worst_rank", f"median {m.label}", m.ratio, 1.0) for m in measures]
        columns.append(("diverged_share", "DIVERGED (%)", False, 100.0))
        figure = Figure(figsize=(10.5, 1.0 + _LINE * len(systems)), layout="constrained")
        panels = figure.subplots(1, len(columns), squeeze=False, sharey=True)[0]
        for panel, (name, title, log, scale) in zip(panels, columns, strict=True):
            for i, (lam, shade) in enumerate(shades.items()):
                down = _SPREAD * (i / max(len(shades) - 1, 1) - 0.5) * (len(shades) > 1)
                own = table.loc[lam].reindex(systems) if lam in table.index.levels[0] else None
                if own is not None:
                    _points(panel, own, name, scale, down, shade)
            if log:
                log_axis(panel, "x")
            panel_title(panel, title)
            panel.tick_params(axis="y", length=0)
        panels[0].set_yticks(range(len(systems)), tick_words([label(name) for name in systems]), fontsize=8.5)
        panels[0].set_ylim(len(systems) - 0.4, -0.6)
        if len(shades) > 1:
            handles = [Line2D([], [], color=shade, marker="o", linewidth=0) for shade in shades.values()]
            legend(figure, handles, [f"λ = {word}" for word in shortened(lambdas).values()])
    return figure


def _points(panel: Axes, own: pd.DataFrame, name: str, scale: float, down: float, shade: str) -> None:
    point, low, high = (
        scale * own[column].to_numpy(float) for column in (name, f"{name}_low", f"{name}_high")
    )
    place = np.arange(len(own)) + down
    there = np.isfinite(point)
    bounded = there & np.isfinite(low) & np.isfinite(high)
    panel.hlines(place[bounded], low[bounded], high[bounded], color=shade, linewidth=1.3, alpha=0.6)
    panel.plot(point[there], place[there], "o", color=shade, markersize=4)


def _shades(count: int) -> list[str]:
    """Colours that go from dark to light as λ grows; ink for one."""
    if count < 2:
        return [INK] * count
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.85, count))
    return [mpl.colors.to_hex(shade) for shade in shades]
