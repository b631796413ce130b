"""The runs whose generated points are shown: best, median and worst by one measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis import states
from analysis.rows import Rows
from analysis.vocabulary import Measure

RANKS = ("best", "median", "worst")


@dataclass(frozen=True)
class Exemplar:
    """A run to show.

    Attributes:
        rank: one of RANKS.
        run: its row, column -> value.
    """

    rank: str
    run: dict[str, Any]


def exemplars(study: Rows, algorithm: str, lam: float, measure: Measure) -> list[Exemplar]:
    """Best, median (the worse of two) and worst COMPLETED run by a measure; ties by run key; none for no run.

    DIVERGED runs generate nothing and are not among them; a run with an infinite value is the worst.
    """
    group = study.group(algorithm, lam)
    group = group.assign(**{measure.column: states.values(group, measure)}).dropna(subset=measure.column)
    done = group.sort_values(
        [measure.column, "run_key"], ignore_index=True, ascending=[measure.better > 0, True]
    )
    if done.empty:
        return []
    places = {"best": len(done) - 1, "median": (len(done) - 1) // 2, "worst": 0}
    return [Exemplar(rank, done.iloc[places[rank]].to_dict()) for rank in RANKS]
