"""Findings of a search: the best run of each system, which is no comparison of systems."""

from __future__ import annotations

import numpy as np

from analysis import rows, states
from analysis.findings.base import MOST_MEASURES, Findings, diverged
from analysis.rows import Rows
from analysis.vocabulary import Measure
from analysis.words import counted, label, listed, number
from result_names import exact

_MOST_NAMES = 6
"""Systems whose best run is named."""


def findings(study: Rows) -> Findings:
    """Findings of a study whose configurations a sampler chose, with results."""
    ended = rows.results(study.trained)
    told = [said for m in study.leading[:MOST_MEASURES] if (said := _best(study, m))]
    sentences = [
        f"Of {counted(len(ended), 'run')} that {study.sampler} chose, {'; '.join(told) or 'none has a value of a metric'}."
    ]
    sentences.append(
        "Which system is better is not judged, since a sampler gave each configurations of its own."
    )
    certainty = [
        "The best of many runs is partly the luckiest: with a seed of its own, each of them may be worse when it is trained again.",
        "Shares and medians in this report are of what the sampler chose, not of the search space.",
        diverged(study),
    ]
    return Findings(sentences, certainty)


def _best(study: Rows, measure: Measure) -> str:
    """Each system's best value with its λ, the best system first; '' where none has one."""
    best: dict[str, tuple[float, float]] = {}
    for name in study.algorithms:
        own = study.runs[study.runs["algorithm"] == name]
        values = measure.better * states.values(own, measure)
        values = np.where(np.isfinite(values), values, -np.inf)
        if len(values) and np.isfinite(values.max()):
            best[name] = float(values.max()), float(own["lam"].iloc[int(values.argmax())])
    ordered = sorted(best.items(), key=lambda one: -one[1][0])
    said = [
        f"{number(measure.better * value)} by {label(name)}{_place(study, name, lam)}"
        for name, (value, lam) in ordered[:_MOST_NAMES]
    ]
    return f"the best {measure.name} is {listed(said)}" if said else ""


def _place(study: Rows, name: str, lam: float) -> str:
    return "" if name in study.level else f" (λ = {exact(lam)})"
