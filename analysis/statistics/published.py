"""Published numbers beside a study's runs: those that its manifest carries, or the frozen ones of studies from before.

None of the papers lists the configurations of its runs, so agreement is expected in kind (which algorithm is better, how
widely it spreads), not digit by digit.
"""

from __future__ import annotations

from analysis.rows import Rows
from analysis.stored_names import PUBLISHED
from result_published import Published, Statement


def published_for(study: Rows) -> tuple[Statement, ...]:
    """Statements about these data, from runs trained as long; none if a sampler chose the runs."""
    return () if unlike(study) else _about(study).statements


def unlike(study: Rows) -> str:
    """Reason why published statements do not stand beside the study's runs; empty if they do, or there are none."""
    printed, data = _about(study), _unnumbered(study.runs["data_version"].iloc[0])
    if not printed.statements:
        return ""
    if data != _unnumbered(printed.data):
        return f"are of {_unnumbered(printed.data)}, these runs of {study.runs['data_version'].iloc[0]}"
    if study.budget < printed.iterations:
        return f"are of {printed.iterations:,} iterations, these runs of {study.budget:,}"
    if study.manifest.searched:
        return "are of a grid, and a sampler chose these runs"
    return ""


def published_value(study: Rows, algorithm: str, lam: float, metric: str) -> Statement | None:
    """The published number of one metric of one algorithm at one λ, or None."""
    about = [s for s in published_for(study) if (s.algorithm, s.lam, s.metric) == (algorithm, lam, metric)]
    return about[0] if about else None


def _about(study: Rows) -> Published:
    """Statements about a study, on whichever data and chosen by whichever sampler."""
    if study.manifest.published is not None:
        return study.manifest.published
    name = study.manifest.study
    return next((p for own, p in PUBLISHED.items() if name == own or name.startswith(f"{own}-")), Published())


def _unnumbered(version: str) -> str:
    """A data version without its number: mixture5 of mixture5-v1."""
    return version.rpartition("-v")[0] or version
