"""Figures of generated points or mosaics, in the plane on top of what is true: only drawing, the runs come from `exemplars`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from analysis.document.style import INK, MUTED, Colours, mosaic_panel, settings
from analysis.rows import Modes
from analysis.sections._exemplars import RANKS, Exemplar
from analysis.sections.base import Page, pages
from analysis.vocabulary import Measure
from analysis.words import label, number
from result_mosaics import Images, tallest
from result_schema import run_name

Drawn = Mapping[str, Images]
Panel = Callable[[Axes, Any, str], None]
"""Draws the points or the mosaic of one run in a colour."""

FEW = 4
"""Systems of which three runs are drawn each; of more it is one."""

_COLUMNS = 4
"""Of a gallery."""
_MOST = 16
"""Systems in a gallery; of more there are several."""
_TICKS = 6
"""Coordinates of modes that ticks are at; of more, ticks are where matplotlib puts them."""
_SEEN = (0.5, 99.5)
"""Percentiles of the points between which an axis lies where nothing true is known."""


def figures(
    shown: Mapping[str, list[Exemplar]], points: Drawn, measures: Sequence[Measure], colour: Colours, modes: Modes | None
) -> Iterator[tuple[Page, Figure]]:  # fmt: skip
    """Best, median and worst run of each algorithm, or of more than FEW the median, in as many figures as it takes."""
    made = sample_figure if len(shown) <= FEW else gallery_figure
    for page, names in pages(list(shown), _MOST):
        yield page, made({name: shown[name] for name in names}, points, measures, colour, modes)


def sample_figure(
    shown: Mapping[str, list[Exemplar]], points: Drawn, measures: Sequence[Measure], colour: Colours, modes: Modes | None
) -> Figure:  # fmt: skip
    """One row per algorithm, one column per rank, at one λ.

    Args:
        shown: algorithm -> its exemplars, possibly none.
        points: run key -> generated points [n, d], in the plane or of more coordinates, or a mosaic of images.
        measures: metrics to print of each run.
        colour: algorithm -> its colour.
        modes: true in the plane; None where nothing is known.
    """
    with settings():
        figure = Figure(
            figsize=(9.6, (0.55 + 3 * tallest(points.values())) * len(shown)), layout="constrained"
        )
        panels = figure.subplots(len(shown), len(RANKS), squeeze=False)
        paint = _panel(shown, points, modes)
        for row, (algorithm, exemplars) in enumerate(shown.items()):
            for column, rank in enumerate(RANKS):
                panel = panels[row][column]
                match = [exemplar for exemplar in exemplars if exemplar.rank == rank]
                if match:
                    run = match[0].run
                    title = f"{rank}: {run_name(run)}\n{_numbers(run, measures, 45)}"
                    panel.set_title(title, fontsize=8.5)
                    _run(panel, run, points, paint, colour[algorithm])
                else:
                    panel.set_title(f"{label(algorithm)}, {rank}", fontsize=9)
                    _note(panel, "no COMPLETED run")
    return figure


def gallery_figure(
    shown: Mapping[str, list[Exemplar]], points: Drawn, measures: Sequence[Measure], colour: Colours, modes: Modes | None
) -> Figure:  # fmt: skip
    """One panel per algorithm: its median run at one λ. Arguments as of `sample_figure`."""
    with settings():
        lines = -(-len(shown) // _COLUMNS)
        figure = Figure(figsize=(10.5, (0.35 + 2.4 * tallest(points.values())) * lines), layout="constrained")
        panels = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
        paint = _panel(shown, points, modes)
        for panel, (algorithm, exemplars) in zip(panels, shown.items(), strict=False):
            for exemplar in (e for e in exemplars if e.rank == "median"):
                _run(panel, exemplar.run, points, paint, colour[algorithm])
                panel.set_title(f"{label(algorithm)}\n{_numbers(exemplar.run, measures, 30)}", fontsize=8)
            if not exemplars:
                panel.set_title(label(algorithm), fontsize=8)
                _note(panel, "no COMPLETED run")
        for panel in panels[len(shown) :]:
            panel.set_axis_off()
    return figure


def _run(panel: Axes, run: Mapping[str, Any], points: Drawn, paint: Panel, shade: str) -> None:
    drawn = points.get(str(run["run_key"]))
    if drawn is None:
        _note(panel, "no points stored")
    else:
        paint(panel, drawn, shade)


def _panel(shown: Mapping[str, list[Exemplar]], points: Drawn, modes: Modes | None) -> Panel:
    """Draws points as their shape asks for, with the same limits in every panel."""
    keys = [str(exemplar.run["run_key"]) for own in shown.values() for exemplar in own]
    own = [points[key] for key in keys if key in points]
    if not own or own[0].dtype == np.uint8:
        return lambda panel, drawn, _: mosaic_panel(panel, drawn)
    seen = np.concatenate([drawn.reshape(len(drawn), -1) for drawn in own]).astype(float)
    if seen.shape[1] == 1:
        low, high = _between(seen[:, 0])
        return lambda panel, drawn, shade: _histogram(panel, drawn, shade, low, high)
    if modes is not None and seen.shape[1] == 2:
        return lambda panel, drawn, shade: _on_truth(panel, drawn, shade, modes)
    limits = (_between(seen[:, 0]), _between(seen[:, 1]))
    return lambda panel, drawn, shade: _coordinates(panel, drawn, shade, limits)


def _on_truth(panel: Axes, drawn: npt.NDArray[np.float32], shade: str, modes: Modes) -> None:
    for mean in modes.means:
        panel.add_patch(Circle((mean[0], mean[1]), 3 * modes.std, fill=False, edgecolor=INK, linewidth=0.9, zorder=3))  # fmt: skip
        panel.plot(*mean, marker="+", color=INK, markersize=6, markeredgewidth=1.1, zorder=4)
    low, high = np.min(modes.means) - 7 * modes.std, np.max(modes.means) + 7 * modes.std
    ticks = np.unique(modes.means)
    if len(ticks) <= _TICKS:
        panel.set_xticks(ticks)
        panel.set_yticks(ticks)
    panel.set_aspect("equal")
    _scatter(panel, drawn, shade, ((low, high), (low, high)))


def _coordinates(
    panel: Axes, drawn: npt.NDArray[np.float32], shade: str, limits: Sequence[tuple[float, float]]
) -> None:
    flat = drawn.reshape(len(drawn), -1)
    _scatter(panel, flat[:, :2], shade, limits)
    if flat.shape[1] > 2:
        panel.set_xlabel("coordinate 1")
        panel.set_ylabel("coordinate 2")


def _scatter(
    panel: Axes, drawn: npt.NDArray[np.float32], shade: str, limits: Sequence[tuple[float, float]]
) -> None:
    panel.set_xlim(*limits[0])
    panel.set_ylim(*limits[1])
    panel.scatter(drawn[:, 0], drawn[:, 1], s=5, color=shade, alpha=0.45, linewidths=0, rasterized=True)
    low, high = np.transpose(limits)
    outside = int(np.sum(np.any(~((drawn >= low) & (drawn <= high)), axis=1)))
    if outside:
        panel.text(0.98, 0.02, f"{outside} of {len(drawn)} outside", ha="right", va="bottom", fontsize=8,
                   color=MUTED, transform=panel.transAxes)  # fmt: skip


def _histogram(panel: Axes, drawn: npt.NDArray[np.float32], shade: str, low: float, high: float) -> None:
    flat = drawn.ravel()
    panel.hist(flat[np.isfinite(flat)], bins=40, range=(low, high), color=shade, alpha=0.45)
    panel.set_xlim(low, high)


def _between(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Ends of an axis that nearly all finite values lie between; of [−1, 1] for none."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, _SEEN) if len(finite) else (-1.0, 1.0)
    margin = 0.1 * (high - low) or 0.5
    return float(low - margin), float(high + margin)


def _numbers(run: Mapping[str, Any], measures: Sequence[Measure], width: int) -> str:
    """The metrics that the run has, a line each where they are wider than so many characters."""
    words = [f"{m.label} {number(run[m.column])}" for m in measures if not math.isnan(run[m.column])]
    line = ", ".join(words)
    return line if len(line) <= width else "\n".join(words)


def _note(panel: Axes, words: str) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    panel.text(0.5, 0.06, words, ha="center", color=MUTED, transform=panel.transAxes, fontsize=8)
