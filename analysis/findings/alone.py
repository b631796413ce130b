"""Findings on a single system, which is compared with none: its share DIVERGED and its medians."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import rows
from analysis.findings.base import MOST_MEASURES, Findings, over, scope, unit_name
from analysis.rows import Rows
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import LEAST_CLUSTERS, clustered_share
from analysis.vocabulary import Measure
from analysis.words import bounded, capital, counted, label, percent, shortened
from result_schema import Outcome


def findings(study: Rows, summary: pd.DataFrame) -> Findings:
    """Findings of one system with results.

    Args:
        study: its rows.
        summary: `summary.summarise`'s table of them.
    """
    results = rows.results(study.trained)
    share = clustered_share(results["outcome"] == Outcome.DIVERGED.value, results[study.unit])
    units = study.runs["configuration_key"].nunique()
    where = f" {over(study.lambdas)}" * study.has_lambda
    sentences = [
        f"{percent(share)} of {label(study.algorithms[0])}’s {counted(len(results), 'run')}, of {counted(units, 'configuration')}{where}, DIVERGED."
    ]
    told = [m for m in study.leading[:MOST_MEASURES] if study.measured(m.column)]
    if told:
        sentences.append(f"{capital('; '.join(_medians(summary, m) for m in told))}.")
    return Findings(sentences, _certainty(study, results))


def _medians(summary: pd.DataFrame, measure: Measure) -> str:
    """The median, DIVERGED as worst; of several λ the best and the worst one."""
    name = f"{measure.column}_median_worst_rank"
    own = summary[summary[name].notna()]
    if len(own) == 1:
        return f"the median {measure.name} is {_bounded(own, 0, name)}"
    ordered = np.argsort(-measure.better * own[name].to_numpy(float), kind="stable")
    best, worst = (_bounded(own, int(end), name) for end in (ordered[0], ordered[-1]))
    if best == worst:
        return f"the median {measure.name} is {best} at every λ"
    words = shortened(own["lam"].tolist())
    high, low = (words[own["lam"].iloc[int(end)]] for end in (ordered[0], ordered[-1]))
    return f"the median {measure.name} is {best} at best, at λ = {high}, and {worst} at worst, at λ = {low}"


def _bounded(own: pd.DataFrame, place: int, name: str) -> str:
    entry = own.iloc[place]
    if np.isinf(entry[name]) and entry["diverged"]:
        return "DIVERGED"
    return bounded(Interval(*(float(entry[column]) for column in (name, f"{name}_low", f"{name}_high"))))


def _certainty(study: Rows, results: pd.DataFrame) -> list[str]:
    units = results[study.unit].nunique()
    intervals = (
        "Intervals are 95 %, each by itself"
        + f", those of medians from {LEAST_CLUSTERS} {unit_name(study)} up" * (units < LEAST_CLUSTERS)
    )
    return [
        "One system is compared with none, so that no difference is tested.",
        f"{intervals}; a DIVERGED run counts as worse than any value.",
        scope(study),
    ]
