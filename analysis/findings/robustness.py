"""Robustness of verdicts on two systems to DIVERGED runs being left out and to pairs that are still to come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.comparison.paired import Difference, Pairs, unit_differences
from analysis.comparison.verdicts import Answer, Family
from analysis.findings.base import diverged, waits
from analysis.rows import Rows
from analysis.vocabulary import Floats
from result_names import exact

LOOKS = (
    "Each look at a study that still runs is a further test: stopping at the look that pleases errs more often than the 5 % that "
    "verdicts declare."
)


def sentences(study: Rows, pairs: Pairs, told: Sequence[Difference], family: Family) -> list[str]:
    """Sentences on the effect of DIVERGED runs and missing pairs on these verdicts."""
    return [_diverged(study, pairs, told, family), *_waiting(pairs, told, family)]


def _diverged(study: Rows, pairs: Pairs, told: Sequence[Difference], family: Family) -> str:
    said = diverged(study)
    lost = [d for d in told if d.diverged]
    if not lost:
        return said
    changed = [d for d in lost if _without_infinite(pairs, d, family) is not d.verdict.answer]
    if not changed:
        return f"{said} Left out, they change none of these verdicts."
    return f"{said} Left out, they change {_named(changed)}."


def _waiting(pairs: Pairs, told: Sequence[Difference], family: Family) -> list[str]:
    """Sentences on the pairs to come, and on whether verdicts would stand if each went against its difference."""
    waiting = sum(pairs.unmatched.values())
    if not waiting:
        return []
    differing = [d for d in told if d.verdict.side]
    fallen = [d for d in differing if pairs.unmatched[d.lam] and not _stands(pairs, d, family)]
    said = waits(waiting)
    if not differing:
        return [f"{said}, and may decide more.", LOOKS]
    stands = f"would no longer be shown of {_named(fallen)}" if fallen else "would still be shown"
    return [f"{said}. If every one went against it, what is said to be better or worse {stands}.", LOOKS]


def _without_infinite(pairs: Pairs, one: Difference, family: Family) -> Answer:
    units = _units(pairs, one)
    return family.judge(one.measure, units[np.isfinite(units)]).answer


def _stands(pairs: Pairs, one: Difference, family: Family) -> bool:
    """Whether the side on which a difference lies would still be shown; of several seeds, a pair takes its whole unit with it."""
    side, waiting = one.verdict.side, pairs.unmatched[one.lam]
    units = np.sort(side * _units(pairs, one))
    if pairs.table["seed"].nunique() > 1:
        units = units[: max(len(units) - waiting, 0)]
    worst = side * np.concatenate([units, np.full(waiting, -np.inf)])
    return family.judge(one.measure, worst).side == side


def _units(pairs: Pairs, one: Difference) -> Floats:
    return unit_differences(pairs.having(one.lam, one.measure), one.measure, pairs.unit)


def _named(told: Sequence[Difference]) -> str:
    """Verdicts by metric and λ; of many how many."""
    if len(told) > 3:
        return f"{len(told)} of them"
    return ", ".join(f"{d.measure.name} at λ = {exact(d.lam)}" for d in told)
