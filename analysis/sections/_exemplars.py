"""The runs whose generated points or pictures are shown: best, median and worst by one measure."""

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


@dataclass(frozen=True)
class Chosen:
    """Runs that a study's report shows.

    Attributes:
        measure: by which they are ranked.
        others: measures of systems that have not this one.
        at: λ -> algorithm -> its exemplars, possibly none.
    """

    measure: Measure
    others: tuple[Measure, ...]
    at: dict[float, dict[str, list[Exemplar]]]

    @property
    def ranks(self) -> dict[str, list[str]]:
        """Run key -> its ranks, in their order: a run that is alone has all."""
        found: dict[str, list[str]] = {}
        for by_algorithm in self.at.values():
            for exemplar in (e for own in by_algorithm.values() for e in own):
                ranks = found.setdefault(str(exemplar.run["run_key"]), [])
                if exemplar.rank not in ranks:
                    ranks.append(exemplar.rank)
        return found

    def key(self, algorithm: str, lam: float, rank: str) -> str:
        """Key of the run of this rank; '' where there is none."""
        found = [e.run["run_key"] for e in self.at[lam].get(algorithm, ()) if e.rank == rank]
        return str(found[0]) if found else ""


def choose(study: Rows) -> Chosen | None:
    """Exemplars of every algorithm at every λ, by the leading metric that most of them have, of others by their own; None without any metric."""
    if not study.leading:
        return None
    measure = max(study.leading, key=lambda m: len(study.having(m.column)))  # of as many the first
    by = {
        a: next((m for m in (measure, *study.leading) if a in study.having(m.column)), measure)
        for a in study.algorithms
    }
    others = {m.label: m for m in by.values() if m != measure}
    return Chosen(
        measure,
        tuple(others[name] for name in sorted(others)),
        {lam: {a: exemplars(study, a, lam, by[a]) for a in study.algorithms} for lam in study.lambdas},
    )


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
