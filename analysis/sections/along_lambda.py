"""The report's parts about λ: curves, the plane of both metrics, ranges as good as the best, and the paper's claim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np
import pandas as pd

from analysis.comparison.trade_off import (
    BEGIN,
    LEAST,
    Claim,
    Exchange,
    Finding,
    enough,
    exchange,
    moving,
    required,
    traded,
)
from analysis.comparison.trends import TOLERANCE, by_lambda, good_range, medians_of, pareto
from analysis.comparison.verdicts import Family
from analysis.document.blocks import FINDING, SMALL, Block, Cells, Figure, Heading, Table, Text
from analysis.rows import Rows
from analysis.sections._lambda_figures import lambda_figure, plane_figure
from analysis.sections.base import Report, Section, better, crowded
from analysis.statistics import estimates
from analysis.vocabulary import Measure
from analysis.words import bounded, label, number
from result_names import exact

_CURVES = (
    "Medians with 95 % bands (dark) and quartiles (light), in which a DIVERGED run is worse than any value: where the median "
    "is one there is no point; and the share of results that DIVERGED with its Wilson band."
)
_APART = "Systems whose bands do not overlap differ at that λ; those whose bands do may differ in pairs, which section Verdicts judges."
_PLANE = (
    "Median {error} against median {score}, DIVERGED as worst, one point per λ, joined in order of λ and named by it. Filled: the "
    "Pareto front over λ, where no other λ of the same system is better in one and no worse in the other. Good is at the {corner} left: a system that trades "
    "one for the other goes left and {away} as λ grows. Of points that are close to each other one has its λ beside it."
)
_TREND = (
    "Change of each metric from λ = {first} to λ = {last} within each configuration (median over its seeds, a DIVERGED run worse than "
    "any value; of one configuration within each seed), with the simultaneous intervals of section Verdicts. A system trades generation for reconstruction where {error} falls and "
    "the score {worsens} by more than its smallest difference of interest: yes where the bounds show both, no where they show one of them "
    "not to be, else undecided; that a fall is not shown is no sign that there is none. "
    "Kendall’s τ-b tells the shape of the way, with noise in it: averaged over configurations, Student’s interval, 95 % by "
    "itself; +1: the metric improves with every step of λ, −1: it worsens with every step."
)
_RANGES = (
    "The unbroken range of λ about the best one whose medians over configurations are within {part:.0%} of its median; width in "
    "decades between its smallest and largest positive λ, with a bootstrap interval over configurations. A λ at which "
    "most configurations DIVERGED is in no range."
)
_TRADES = {
    Finding.HOLDS: "trades", Finding.FAILS: "does not trade", Finding.UNDECIDED: "is undecided",
}  # fmt: skip


@final
class AlongLambda(Section):
    """Everything about λ; nothing for a single one."""

    name, order, title = "along_lambda", 140, "Along λ"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, summary = report.study, report.summary
        if len(study.lambdas) < 2:
            return
        if report.claim is not None:
            yield Text(verdict(study, report.claim), FINDING)
        caption = f"{_CURVES} {better(study.headline)} {_APART}"
        if 0.0 in study.lambdas:
            caption += " λ = 0 stands apart on the logarithmic axis."
        if study.level:
            level = [label(name) for name in study.algorithms if name in study.level]
            caption += f" Without λ, and so level: {', '.join(level)}."
        if report.few:
            yield Figure("lambda", lambda_figure(summary, study.headline, report.colours), caption)
        else:
            yield Text(crowded(study), SMALL)
        if report.few and (pair := traded(study)):
            error, score = pair
            once = summary[(summary["lam"] == study.lambdas[0]) | ~summary["algorithm"].isin(study.level)]
            figure = plane_figure(once, fronts(once, error, score), error, score, report.colours, study.level)
            yield Figure(
                "plane", figure, _PLANE.format(error=error.label, score=score.label, **_corner(score))
            )
        if not enough(study):
            yield Text(
                f"No trends with λ, and no range of good ones: they need {LEAST} λ from {BEGIN:g} up.", SMALL
            )
            return
        error, score = required(study)
        worsens = "falls" if score.better > 0 else "rises"
        yield Heading("Trends with λ")
        yield Text(_TREND.format(**_ends(study), error=error.label, worsens=worsens), SMALL)
        yield Table(*trend_cells(study, report.claim, report.family), text_columns=1)
        yield Heading("λ as good as the best")
        yield Text(_RANGES.format(part=TOLERANCE), SMALL)
        yield Table(*range_cells(study))


def _corner(score: Measure) -> dict[str, str]:
    """Words for the side of the plane on which a score is good."""
    return {"corner": "top", "away": "down"} if score.better > 0 else {"corner": "bottom", "away": "up"}


def verdict(study: Rows, found: Claim) -> str:
    """The claim and what the bounds say of it, in words."""
    first, second = label(found.first.algorithm), label(found.second.algorithm)
    ends, (error, score) = _ends(study), required(study)
    said = "; ".join(
        f"{label(one.algorithm)} {_TRADES[one.trades]} ({error.label} ratio {one.error.estimate}, {score.label} {one.score.estimate})"
        for one in (found.second, found.first)
    )
    return (
        f"Claim: from λ = {ends['first']} to {ends['last']} {second} trades generation for reconstruction, and {first} does not. It "
        f"{found.finding.value}{' here' * (found.finding is not Finding.UNDECIDED)}: {said}. Change of the score of {first} − {second}, "
        f"paired: {found.difference.estimate}, {found.difference.words}."
    )


def _ends(study: Rows) -> dict[str, str]:
    """The λ between which changes are taken, in words."""
    lambdas = [lam for lam in study.lambdas if lam >= BEGIN]
    return {"first": exact(lambdas[0]), "last": exact(lambdas[-1])}


def fronts(summary: pd.DataFrame, error: Measure, score: Measure) -> dict[str, list[float]]:
    """Algorithm -> the λ of its Pareto front over the medians of an error ↓ and a score, DIVERGED as worst."""
    found = {}
    for algorithm, own in summary.groupby("algorithm", sort=False):
        cost, gain = (own[f"{m.column}_median_worst_rank"].to_numpy(float) for m in (error, score))
        found[str(algorithm)] = own["lam"].to_numpy(float)[pareto(cost, score.better * gain)].tolist()
    return found


def trend_cells(study: Rows, found: Claim | None, family: Family) -> Cells:
    """Header and cells of the trends; of a claim's algorithms as it has them."""
    error, score = required(study)
    units = "configurations" if study.unit == "configuration_key" else "seeds"
    header = ["system", units, f"{error.label} ratio [simultaneous]", f"change of {score.label} [simultaneous]", "trades",
              "reconstruction τ [95 %]", "generation τ [95 %]"]  # fmt: skip
    known = {one.algorithm: one for one in (found.first, found.second)} if found else {}
    rows: list[Exchange] = [known.get(name) or exchange(study, name, family) for name in moving(study)]
    answers = {Finding.HOLDS: "yes", Finding.FAILS: "no", Finding.UNDECIDED: "undecided"}
    cells = [
        [label(one.algorithm), str(one.configurations), one.error.estimate, one.score.estimate, answers[one.trades],
         bounded(one.reconstruction), bounded(one.generation)]
        for one in rows
    ]  # fmt: skip
    return header, cells


def range_cells(study: Rows) -> Cells:
    """Header and cells of the ranges of λ, one line per algorithm and metric."""
    header = ["system", "metric", "best λ", "median there", "range of λ", "decades [95 %]"]
    cells = []
    for algorithm in moving(study):
        for measure in study.headline:
            table = by_lambda(study, algorithm, measure).to_numpy(float)
            line = [label(algorithm), measure.label]
            if len(table) and np.isfinite(medians_of(table)).any():
                rng = estimates.generator("good range", algorithm, measure.column)
                good = good_range(table, np.asarray(study.lambdas), measure.better, rng)
                span = f"{exact(good.low)} – {exact(good.high)}" if good.low < good.high else exact(good.low)
                cells.append([*line, exact(good.best), number(good.value), span, bounded(good.width)])
            else:
                cells.append([*line, "–", "–", "–", "–"])
    return header, cells
