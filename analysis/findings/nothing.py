"""Findings on a study without a verdict: the results that a verdict still needs."""

from __future__ import annotations

from analysis import rows
from analysis.comparison.families import Comparison, judged_measures
from analysis.findings.base import Findings, waits
from analysis.rows import Rows
from analysis.statistics.locations import LEAST
from analysis.words import counted, label, listed


def findings(study: Rows, comparison: Comparison | None) -> Findings:
    """Findings that say that nothing can be told yet, and what is missing."""
    return Findings([f"Nothing can be told yet{_of(study)}.", f"{_missing(study, comparison)}."], [])


def _of(study: Rows) -> str:
    return (
        " of which system is better" if len(study.algorithms) > 1 and len(rows.results(study.trained)) else ""
    )


def _missing(study: Rows, comparison: Comparison | None) -> str:
    ended = rows.results(study.trained)
    if ended.empty:
        return f"It takes a result, and of {counted(len(study.trained), 'run')} none COMPLETED or DIVERGED"
    if not any(m.compared in judged_measures(study) for m in study.leading):
        names = listed([m.name for m in study.headline], "or")
        return f"A verdict takes a smallest difference of interest, and the study declares none of {names} (Study.smallest_differences)"
    unit = "configurations" if study.unit == "configuration_key" else "seeds of the one configuration"
    if comparison is None:
        return f"A verdict takes results of two systems on the same {LEAST} {unit}, and no two of the {len(study.algorithms)} have them"
    pairs = comparison.pairs
    most = max((d.verdict.location.units for d in comparison.differences), default=0)
    said = (
        f"A verdict takes results of both {label(pairs.first)} and {label(pairs.second)} on {LEAST} {unit}, and there are "
        f"{most or 'none'}"
    )
    waiting = sum(pairs.unmatched.values())
    return f"{said}; {waits(waiting)}" if waiting else said
