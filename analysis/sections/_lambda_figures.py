"""Figures along λ: only drawing, the numbers come from `summary`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.document.style import MUTED, Colours, legend, log_axis, panel_title, settings
from analysis.vocabulary import Floats, Measure
from analysis.words import label, shortened
from result_names import exact

_APART = 0.06
"""Part of the axis of λ that the words of a tick take."""

_MOST_POINTS = 20
"""λ of a curve up to which each has a point and a bar of its own; of more there are lines and bands alone."""

_NEAR = (0.06, 0.05)
"""Parts of the plane's width and height within which words would lie on each other."""

_BESIDE = {4: np.array([0.025, 0.03]), -11: np.array([0.025, -0.04])}
"""Points up from a point to words beside it -> where their middle is, in parts of the plane."""


_LEAST_SHARE = 5.0
"""Per cent that the axis of shares DIVERGED reaches to at least: the interval of none among many looks like much on one of its own."""


class _Point(NamedTuple):
    """A system at one λ in the plane, and whether it is on the front."""

    lam: float
    cost: float
    gain: float
    front: bool
    shade: str


def lambda_figure(
    summary: pd.DataFrame, measures: Sequence[Measure], colour: Colours, axis: str = "λ"
) -> Figure:
    """Medians, DIVERGED as worst, with 95 % bands and quartiles, and the share DIVERGED with its Wilson band, against λ, or what
    stands in its place (`axes.turned`).
    """
    with settings():
        shown = [
            *((f"{m.column}_median_worst_rank", f"median {m.label}", m.ratio, 1.0) for m in measures),
            ("diverged_share", "DIVERGED (%)", False, 100.0),
        ]  # fmt: skip
        figure = Figure(figsize=(max(10.5, 3.5 * len(shown)), 3.3), layout="constrained")
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        places = lambda_places(sorted(summary["lam"].unique()))
        for panel, (name, title, log, scale) in zip(panels, shown, strict=True):
            for i, (algorithm, shade) in enumerate(colour.items()):
                own = summary[summary["algorithm"] == algorithm].sort_values("lam")
                for part in (own[own["lam"] == 0], own[own["lam"] > 0]):
                    step = 0.05 * (len(part) <= _MOST_POINTS) * (i - (len(colour) - 1) / 2)
                    _band(panel, part, name, scale, shade, {lam: x + step for lam, x in places.items()})
            if log:
                log_axis(panel, "y")
            _lambda_axis(panel, places, axis)
            panel_title(panel, title)
        panels[-1].set_ylim(top=max(panels[-1].get_ylim()[1], _LEAST_SHARE))
        legend(
            figure, [Line2D([], [], color=c, marker="o") for c in colour.values()], list(map(label, colour))
        )
    return figure


def lambda_places(lambdas: list[float]) -> dict[float, float]:
    """Where each λ stands on the axis: log10 of it, and 0 one unit left of the smallest positive one, of a long axis more."""
    positive = [np.log10(lam) for lam in lambdas if lam > 0]
    zero = min(positive) - max(1, 2 * _APART * (max(positive) - min(positive))) if positive else 0.0
    return {lam: float(np.log10(lam)) if lam > 0 else float(zero) for lam in lambdas}


def _band(
    panel: Axes, part: pd.DataFrame, name: str, scale: float, shade: str, places: dict[float, float]
) -> None:
    x = part["lam"].map(places).to_numpy(float)
    point, low, high = (scale * _drawn(part[column]) for column in (name, f"{name}_low", f"{name}_high"))
    metric, ranked, _ = name.partition("_median_worst_rank")
    if ranked:
        first, third = (_drawn(part[f"{metric}_{q}_worst_rank"]) for q in ("q25", "q75"))
        panel.fill_between(x, first, third, color=shade, alpha=0.1, linewidth=0)
    single = len(x) <= _MOST_POINTS
    panel.plot(x, point, color=shade, marker="o" if single else None, markersize=4, linewidth=1.5)
    panel.fill_between(x, low, high, color=shade, alpha=0.2, linewidth=0)
    if single:  # the band has no width where a λ stands alone, as 0 always does: a bar has
        panel.vlines(x, low, high, color=shade, linewidth=1.2, alpha=0.7)


def _lambda_axis(panel: Axes, places: dict[float, float], axis: str) -> None:
    decades = {lam: x for lam, x in places.items() if lam == 0 or abs(x - round(x)) < 1e-6}
    if len(places) > _MOST_POINTS:  # a line, whose ticks need not be λ of the study
        whole = range(
            math.ceil(min(x for lam, x in places.items() if lam)), math.floor(max(places.values())) + 1
        )
        decades |= {10.0**x: float(x) for x in whole}
    kept = places if len(places) <= 6 or len(decades) < 3 else decades
    kept = _apart(dict(sorted(kept.items())))
    words = [f"{lam:.0e}".replace("e-0", "e−") if 0 < lam < 1e-3 else f"{lam:.3g}" for lam in kept]
    if len(set(words)) < len(words):
        words = [exact(lam) for lam in kept]
    panel.set_xticks(list(kept.values()), words)
    low, high = min(places.values()), max(places.values())
    margin = max(0.4, _APART / 2 * (high - low))
    panel.set_xlim(low - margin, high + margin)
    panel.set_xlabel(f"{axis} (log scale, 0 set apart)" if 0.0 in places else f"{axis} (log scale)")
    if 0.0 in places and len(places) > 1:
        first = min(x for lam, x in places.items() if lam > 0)
        panel.axvline((places[0.0] + first) / 2, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))


def _apart(places: dict[float, float]) -> dict[float, float]:
    """Places without those whose words would lie on the words before them."""
    least = _APART * (max(places.values()) - min(places.values()))
    kept: dict[float, float] = {}
    for lam, x in places.items():
        if all(x - before >= least for before in kept.values()):
            kept[lam] = x
    return kept


def plane_figure(
    summary: pd.DataFrame, fronts: dict[str, list[float]], error: Measure, score: Measure, colour: Colours,
    level: Collection[str] = (),
) -> Figure:  # fmt: skip
    """Median error (log axis) against median score, DIVERGED as worst, a point per λ; filled on a Pareto front.

    Args:
        summary: `summary.summarise`'s table.
        fronts: algorithm -> λ of its front.
        error, score: metrics across and up.
        colour: algorithms to draw -> their colours.
        level: algorithms without λ, whose one point has no name.
    """
    with settings():
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        panel = figure.subplots()
        points: list[_Point] = []
        for algorithm, shade in colour.items():
            own = summary[summary["algorithm"] == algorithm].sort_values("lam")
            cost, gain = (_drawn(own[f"{m.column}_median_worst_rank"]) for m in (error, score))
            best = own["lam"].isin(fronts.get(algorithm, [])).to_numpy()
            panel.plot(cost, gain, color=shade, linewidth=1, alpha=0.6)
            size = 34 if len(own) <= _MOST_POINTS else 12
            panel.scatter(
                cost, gain, s=size, facecolor=np.where(best, shade, "white"), edgecolor=shade, zorder=3
            )
            if algorithm not in level:
                points += map(_Point, own["lam"], cost, gain, best, [shade] * len(own))
        log_axis(panel, "x")
        _name(panel, points)
        panel.set_xlabel(f"median {error.label} (log scale)")
        panel.set_ylabel(f"median {score.label}")
        handles = [Line2D([], [], color=c, linewidth=1, alpha=0.6) for c in colour.values()]
        legend(figure, handles, list(map(label, colour)))
    return figure


def _name(panel: Axes, points: Sequence[_Point]) -> None:
    """Writes λ above or below points: of each system's ends, then of its front, then of others, as far as words do not lie on each other."""
    drawn = [point for point in points if point.cost > 0 and np.isfinite(point.gain)]
    if not drawn:
        return
    words = shortened(sorted({point.lam for point in drawn}))
    places = np.array([(math.log10(point.cost), point.gain) for point in drawn])
    places = (places - places.min(axis=0)) / np.where(np.ptp(places, axis=0) > 0, np.ptp(places, axis=0), 1)
    shades = {point.shade for point in drawn}
    ends = {(shade, lam) for shade in shades for lam in _ends([p.lam for p in drawn if p.shade == shade])}
    order = sorted(
        range(len(drawn)), key=lambda i: ((drawn[i].shade, drawn[i].lam) not in ends, not drawn[i].front)
    )
    taken: list[Floats] = []
    for i in order:
        sides = [(places[i] + shift, up) for up, shift in _BESIDE.items()]
        for place, up in sorted(sides, key=lambda side: _covered(side[0], places)):
            if all((np.abs(place - other) > _NEAR).any() for other in taken):
                taken.append(place)
                panel.annotate(words[drawn[i].lam], (drawn[i].cost, drawn[i].gain), xytext=(4, up), textcoords="offset points",
                               fontsize=7.5, color=drawn[i].shade)  # fmt: skip
                break


def _covered(place: Floats, points: Floats) -> int:
    """Number of points under words at a place, [2], of points [n, 2]."""
    return int(np.sum((np.abs(points - place) < np.divide(_NEAR, 2)).all(axis=1)))


def _ends(lambdas: Sequence[float]) -> tuple[float, float]:
    return min(lambdas), max(lambdas)


def _drawn(column: pd.Series) -> Floats:
    """Its values; NaN, which is not drawn, where they are infinite."""
    values = column.to_numpy(float)
    return np.where(np.isfinite(values), values, np.nan)
