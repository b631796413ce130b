"""Figures of generated points, in the plane on top of what is true: only drawing, the runs come from `exemplars`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from analysis.document.style import INK, MUTED, Colours, settings
from analysis.sections.exemplars import MODE_MEANS, MODE_STD, RANKS, Exemplar
from analysis.words import label, number
from result_schema import run_name

Points = dict[str, npt.NDArray[np.float32]]

_LIMIT = 3.4
_COLUMNS = 4
"""Of a gallery."""
_GRID = 8
"""Images along each side."""


def sample_figure(shown: dict[str, list[Exemplar]], points: Points, colour: Colours) -> Figure:
    """One row per algorithm, one column per rank, at one λ.

    Args:
        shown: algorithm -> its exemplars, possibly none.
        points: run key -> generated points, [n, 2] or images [n, height, width].
        colour: algorithm -> its colour.
    """
    with settings():
        figure = Figure(figsize=(9.6, 3.55 * len(shown)), layout="constrained")
        panels = figure.subplots(len(shown), len(RANKS), squeeze=False)
        for row, (algorithm, exemplars) in enumerate(shown.items()):
            for column, rank in enumerate(RANKS):
                panel = panels[row][column]
                match = [exemplar for exemplar in exemplars if exemplar.rank == rank]
                if match:
                    _run(panel, match[0], points, colour[algorithm])
                else:
                    panel.set_title(f"{label(algorithm)}, {rank}", fontsize=9)
                    _note(panel, "no COMPLETED run")
    return figure


def gallery_figure(shown: dict[str, list[Exemplar]], points: Points, colour: Colours) -> Figure:
    """One panel per algorithm: its median run at one λ. Arguments as of `sample_figure`."""
    with settings():
        lines = -(-len(shown) // _COLUMNS)
        figure = Figure(figsize=(10.5, 2.75 * lines), layout="constrained")
        panels = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
        for panel, (algorithm, exemplars) in zip(panels, shown.items(), strict=False):
            for exemplar in (e for e in exemplars if e.rank == "median"):
                _run(panel, exemplar, points, colour[algorithm])
                panel.set_title(f"{label(algorithm)}\n{_numbers(exemplar.run)}", fontsize=8)
            if not exemplars:
                _note(panel, f"{label(algorithm)}: no COMPLETED run")
        for panel in panels[len(shown) :]:
            panel.set_axis_off()
    return figure


def _truth(panel: Axes) -> None:
    for mean in MODE_MEANS:
        panel.add_patch(Circle(mean, 3 * MODE_STD, fill=False, edgecolor=INK, linewidth=0.9, zorder=3))
        panel.plot(*mean, marker="+", color=INK, markersize=6, markeredgewidth=1.1, zorder=4)
    panel.set_xlim(-_LIMIT, _LIMIT)
    panel.set_ylim(-_LIMIT, _LIMIT)
    panel.set_aspect("equal")
    panel.set_xticks([-2, 0, 2])
    panel.set_yticks([-2, 0, 2])


def _run(panel: Axes, exemplar: Exemplar, points: Points, shade: str) -> None:
    run = exemplar.run
    panel.set_title(f"{exemplar.rank}: {run_name(run)}\n{_numbers(run)}", fontsize=8.5)
    drawn = points.get(str(run["run_key"]))
    if drawn is None:
        _note(panel, "no points stored")
        return
    if drawn.ndim == 3:
        _images(panel, drawn)
        return
    _truth(panel)
    panel.scatter(drawn[:, 0], drawn[:, 1], s=5, color=shade, alpha=0.45, linewidths=0, rasterized=True)
    outside = int(np.sum(np.any(~(np.abs(drawn) <= _LIMIT), axis=1)))
    if outside:
        panel.text(0.98, 0.02, f"{outside} of {len(drawn)} outside", ha="right", va="bottom", fontsize=8,
                   color=MUTED, transform=panel.transAxes)  # fmt: skip


def _images(panel: Axes, drawn: npt.NDArray[np.float32]) -> None:
    side = min(_GRID, int(len(drawn) ** 0.5))
    drawn = np.pad(drawn, ((0, 0), (0, 1), (0, 1)), constant_values=0.5)
    rows = [np.concatenate(drawn[r * side : (r + 1) * side], axis=1) for r in range(side)]
    panel.imshow(np.concatenate(rows), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])
    panel.grid(False)


def _numbers(run: dict[str, Any]) -> str:
    """The metrics that the run has."""
    words = [f"IS {number(run['inception_score'])}"]
    if not math.isnan(run["mse_x"]):
        words.append(f"MSE {number(run['mse_x'])}")
    if not math.isnan(run["on_mode_share"]):
        words.append(f"{100 * run['on_mode_share']:.0f} % on mode")
    return ", ".join(words)


def _note(panel: Axes, words: str) -> None:
    panel.text(0.5, 0.06, words, ha="center", color=MUTED, transform=panel.transAxes)
