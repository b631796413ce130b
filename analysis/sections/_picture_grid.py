"""A figure of pictures against λ: a row per λ, a column per algorithm. Only drawing: the runs come from `exemplars`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from matplotlib.figure import Figure

from analysis.document.style import INK, empty_note, mosaic_panel, settings
from analysis.words import label, shortened
from result_mosaics import Mosaic, tallest

_CELL = 1.75
"""Inches across a cell."""


def grid_figure(
    cells: Mapping[tuple[float, str], Mosaic],
    lambdas: Sequence[float],
    algorithms: Sequence[str],
    level: Collection[str] = (),
) -> Figure:
    """Mosaics against λ.

    Args:
        cells: (λ, algorithm) -> mosaic of the run in that cell; a cell without one says that there is no run.
        lambdas: of the rows, ascending.
        algorithms: of the columns.
        level: algorithms without λ, which are drawn in the first row alone.
    """
    with settings():
        size = (_CELL * len(algorithms) + 0.6, (_CELL * tallest(cells.values()) + 0.08) * len(lambdas) + 0.35)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(lambdas), len(algorithms), squeeze=False)
        words = shortened(lambdas)
        for row, lam in enumerate(lambdas):
            for column, algorithm in enumerate(algorithms):
                panel = panels[row][column]
                if (picture := cells.get((lam, algorithm))) is not None:
                    mosaic_panel(panel, picture)
                else:
                    panel.set(xticks=[], yticks=[])
                    panel.spines[:].set_visible(False)
                    empty_note(panel, "as above" if row and algorithm in level else "no COMPLETED run")
                if row == 0:
                    panel.set_title(label(algorithm), fontsize=9.5)
                if column == 0:
                    panel.set_ylabel(f"λ = {words[lam]}", fontsize=9.5, color=INK)
    return figure
