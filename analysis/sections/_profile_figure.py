"""The performance profile: only drawing, the numbers come from `fragility_results`."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.document.style import MUTED, Colours, empty_note, log_axis, panel_title, settings
from analysis.fragility.results import Measured
from analysis.vocabulary import Measure
from analysis.words import label
from result_names import exact


def profile_figure(
    found: Sequence[Measured], measures: Sequence[Measure], lambdas: Sequence[float], colour: Colours
) -> Figure:
    """A row per measure and a panel per λ: share of the configurations that come as close to the best, with its band."""
    with settings():
        figure = Figure(figsize=(10.5, 0.5 + 2.5 * len(measures)), layout="constrained")
        panels = figure.subplots(len(measures), len(lambdas), squeeze=False, sharey="row", sharex="row")
        for row, measure in zip(panels, measures, strict=True):
            for panel, lam in zip(row, lambdas, strict=True):
                here = [
                    m
                    for m in found
                    if m.closeness.measure == measure and not m.best and set(m.lams.values()) == {lam}
                ]
                if here:
                    _profile(panel, here[0], colour)
                else:
                    empty_note(panel, "no two systems")
                panel_title(panel, f"λ = {exact(lam)}")
                panel.set_ylim(0, 100)
            row[0].set_ylabel(f"{measure.name}\nconfigurations (%)")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=max(1, len(labels)))
    return figure


def _profile(panel: Axes, found: Measured, colour: Colours) -> None:
    close = found.closeness
    for algorithm, (share, low, high) in found.found.profile.items():
        panel.plot(
            close.distances, 100 * share, color=colour[algorithm], linewidth=1.6, label=label(algorithm)
        )
        panel.fill_between(
            close.distances, 100 * low, 100 * high, color=colour[algorithm], alpha=0.18, linewidth=0
        )
    panel.axvline(close.near, color=MUTED, linewidth=0.8, linestyle=":")
    if close.kind == "factor":
        log_axis(panel, "x")
    panel.set_xlabel(close.axis())
