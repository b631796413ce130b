"""Figures of generated points on top of what is true: only drawing, the runs come from `exemplars`."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from analysis.exemplars import MODE_MEANS, MODE_STD, RANKS, Exemplar
from analysis.style import INK, MUTED, RC, Colours, label, number
from result_schema import run_name

Points = dict[str, npt.NDArray[np.float32]]

_LIMIT = 3.4


def sample_figure(shown: dict[str, list[Exemplar]], points: Points, colour: Colours) -> Figure:
    """One row per algorithm, one column per rank, at one λ.

    Args:
        shown: algorithm -> its exemplars, possibly none.
        points: run key -> generated points [n, 2].
        colour: algorithm -> its colour.
    """
    with mpl.rc_context(RC):
        figure = Figure(figsize=(9.6, 3.55 * len(shown)), layout="constrained")
        panels = figure.subplots(len(shown), len(RANKS), squeeze=False)
        for row, (algorithm, exemplars) in enumerate(shown.items()):
            for column, rank in enumerate(RANKS):
                panel = panels[row][column]
                _truth(panel)
                match = [exemplar for exemplar in exemplars if exemplar.rank == rank]
                if match:
                    _run(panel, match[0], points, colour[algorithm])
                else:
                    panel.set_title(f"{label(algorithm)}, {rank}", fontsize=9)
                    _note(panel, "no COMPLETED run")
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
    panel.scatter(drawn[:, 0], drawn[:, 1], s=5, color=shade, alpha=0.45, linewidths=0, rasterized=True)
    outside = int(np.sum(np.any(~(np.abs(drawn) <= _LIMIT), axis=1)))
    if outside:
        panel.text(0.98, 0.02, f"{outside} of {len(drawn)} outside", ha="right", va="bottom", fontsize=8,
                   color=MUTED, transform=panel.transAxes)  # fmt: skip


def _numbers(run: dict[str, Any]) -> str:
    share = f"{100 * run['on_mode_share']:.0f} % on mode"
    return f"IS {number(run['inception_score'])}, MSE {number(run['mse_x'])}, {share}"


def _note(panel: Axes, words: str) -> None:
    panel.text(0.5, 0.06, words, ha="center", color=MUTED, transform=panel.transAxes)
