"""The critical-difference diagram: only drawing, the numbers come from `contests`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from analysis.document.style import INK, MUTED, settings, tick_words
from analysis.words import label, number

_LINE, _BAR = 0.21, 0.1
"""Inches down from one name, or one bar, to the next."""

_MOST_TICKS = 15


def rank_figure(means: Mapping[str, float], groups: Sequence[Sequence[str]]) -> Figure:
    """Systems on an axis of mean ranks, the better half named at its left, the others at its right; a bar joins a group.

    Args:
        means: system -> mean rank, best first, at least one.
        groups: neighbours in this order, at least two each; drawn as bars that do not lie on each other.

    Source: Demšar 2006, figure 1, whose bars join what Nemenyi's test does not tell apart; the best is at the left here.
    """
    names = list(means)
    words = dict(zip(names, tick_words([label(name) for name in names]), strict=True))
    half = (len(names) + 1) // 2
    rows = _apart([(means[group[0]], means[group[-1]]) for group in groups])
    top = 0.12 + _BAR * (max(rows, default=-1) + 2)
    depth = top + _LINE * half
    with settings():
        figure = Figure(figsize=(9.5, 0.6 + depth), layout="constrained")
        panel = figure.subplots()
        panel.set(xlim=(1, max(len(names), 2)), ylim=(depth, 0))
        panel.grid(visible=False)
        panel.spines[["left", "bottom"]].set_visible(False)
        panel.spines["top"].set_visible(True)
        panel.xaxis.tick_top()
        panel.set_xticks(
            range(1, len(names) + 1) if len(names) <= _MOST_TICKS else [1, *range(5, len(names) + 1, 5)]
        )
        panel.set_yticks([])
        panel.set_title("mean rank", fontsize=9.5)
        for sides, end, align in ((names[:half], 0.0, "right"), (names[half:][::-1], 1.0, "left")):
            for i, name in enumerate(sides):
                x, y = means[name], top + _LINE * i
                edge = panel.get_xlim()[int(end)]
                panel.plot([x, x, edge], [0, y, y], color=MUTED, linewidth=0.8, clip_on=False)
                parts = (words[name], number(x))
                panel.annotate(
                    "  ".join(parts if end == 0 else parts[::-1]), (end, y), (6 * (2 * end - 1), 0),
                    xycoords=("axes fraction", "data"), textcoords="offset points", ha=align, va="center", fontsize=9,
                )  # fmt: skip
        for group, row in zip(groups, rows, strict=True):
            y = 0.12 + _BAR * row
            panel.plot(
                [means[group[0]], means[group[-1]]], [y, y], color=INK, linewidth=3.2, solid_capstyle="round"
            )
    return figure


def _apart(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The first row of each span, in order of their beginnings, in which it touches no other."""
    ends: list[float] = []
    rows = []
    for low, high in spans:
        row = next((row for row, end in enumerate(ends) if end < low), len(ends))
        ends[row : row + 1] = [high]
        rows.append(row)
    return rows
