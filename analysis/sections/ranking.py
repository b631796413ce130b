"""The report's part on more than two systems: how they rank, and which of them are shown to differ."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import pandas as pd

from analysis import rows, states
from analysis.comparison.contests import Standing, Standings
from analysis.comparison.rankings import LEAST_SYSTEMS
from analysis.comparison.verdicts import Answer
from analysis.document.blocks import FINDING, SMALL, Block, Cells, Details, Figure, File, Heading, Table, Text
from analysis.rows import Rows
from analysis.sections._rank_figure import rank_figure
from analysis.sections.base import Report, Section
from analysis.statistics.locations import LEAST, LEAST_OF_MEDIAN
from analysis.vocabulary import Measure
from analysis.words import bounded, capital, counted, label, number
from result_names import exact

_WORDS = (
    "Each system’s rank among those that have the metric, within a configuration and seed, 1 being best: ties share ranks, and a "
    "DIVERGED run or an infinite value is worse than any other. Means over configurations, those of several seeds averaged first, of a "
    "study with one configuration over its seeds; with score intervals, 95 % by themselves. Left out: configurations and seeds of which "
    "one of the systems has no result, since it is not trained yet, FAILED or was STOPPED. A rank depends on who else is ranked."
)
_FAMILY = (
    "All pairs are a family by themselves, exploratory, beside the pairs that papers compare: their {size:,} intervals hold together with "
    "95 %, each at {percent:.5g} % (Bonferroni), and p is times {size:,}. From {most} units up the median difference, by the exact sign test; "
    "of {least} and more the mean, by Student’s t. A pair is compared on every configuration and seed of which both have a result. Not to have shown a difference is no "
    "sign that there is none. Every pair with its interval: pairs.csv, beside this page."
)
_NONE = f"No pair is judged: it takes {LEAST} configurations, or seeds of one, of which both systems have a result."
_BARS = (
    "A bar joins neighbours in rank no two of which are shown to differ; two systems without a common bar need not be shown to "
    "differ either: the table of pairs says."
)
_PAIRS = (
    "The system of the row against that of the column: + better, − worse, = equivalent within the smallest difference of interest, · "
    "undecided; blank: not judged."
)
_MOST_NAMES = 6
"""Systems that a sentence names; it counts the others."""


@final
class Ranking(Section):
    """Every metric's figures and tables, or a line that says why there are none; nothing of two systems."""

    name, order, title = "ranking", 10, "Ranking"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, found = report.study, report.standings
        if len(study.algorithms) < LEAST_SYSTEMS:
            return
        if not found.standings:
            yield Text(
                "Not shown: no two systems have a metric with a smallest difference of interest.", SMALL
            )
            return
        for words in sentences(found, report.shown):
            yield Text(words, FINDING)
        yield Text(_WORDS, SMALL)
        yield Text(scope(study, found), SMALL)
        for measure in found.measures:
            yield Heading(capital(measure.name))
            standings = [one for one in found.by(measure) if one.ranking.lam in report.shown]
            for i, one in enumerate(one for one in standings if one.ranking.mean):
                yield _figure(one) if i == 0 else Details(f"λ = {exact(one.ranking.lam)}", [_figure(one)])
            yield Table(*cells_of(study, found, measure))
            for one in standings:
                if one.contests:
                    pairs: list[Block] = [Text(_PAIRS, SMALL), Table(*pair_cells(one), 1)]
                    yield Details(f"All pairs at λ = {exact(one.ranking.lam)}", pairs)
        if found.family.size:
            yield File("pairs.csv", pairs_csv(found))


def scope(study: Rows, found: Standings) -> str:
    """What the family of all pairs is, in words."""
    family = found.family
    if not family.size:
        return _NONE
    percent = 100 * family.confidence
    once = " Two systems without λ are one pair, whatever λ." * (
        len(study.level) > 1 and len(study.lambdas) > 1
    )
    return _FAMILY.format(size=family.size, percent=percent, most=LEAST_OF_MEDIAN, least=LEAST) + once


def sentences(found: Standings, shown: Sequence[float]) -> list[str]:
    """One sentence per metric: at each λ shown, the systems that none is shown better than, and those shown worse."""
    said = []
    for measure in found.measures:
        standings = [one for one in found.by(measure) if one.ranking.lam in shown]
        sizes = list(dict.fromkeys(map(_size, standings)))
        once = f", {sizes[0]}" if len(sizes) == 1 else ""
        parts = [_at(one) if once else f"{_at(one)} ({_size(one)})" for one in standings]
        if parts:
            said.append(f"{capital(measure.name)}{once}: {'; '.join(parts)}.")
    return said


def cells_of(study: Rows, found: Standings, measure: Measure) -> Cells:
    """Header and one line per λ and system, in order of mean ranks."""
    header = ["λ", "system", "ranked over", "left out", "mean rank [95 %]", "median, DIVERGED as worst", "DIVERGED",
              "shown better than", "shown worse than"]  # fmt: skip
    cells = []
    for one in found.by(measure):
        ranking, wins, losses = one.ranking, one.wins, one.losses
        for name in ranking.systems if not ranking.mean else ranking.mean:
            group = study.group(name, ranking.lam)
            mean = bounded(ranking.mean[name]) if ranking.mean else "–"
            verdicts = [str(count[name]) if one.contests else "–" for count in (wins, losses)]
            cells.append([exact(ranking.lam), label(name), _units(one), str(ranking.left_out), mean,
                          _median(study, group, measure),
                          f"{rows.diverged_count(group)} of {len(rows.results(group))}", *verdicts])  # fmt: skip
    return header, cells


def pair_cells(one: Standing) -> Cells:
    """Header and a line per system, in order of mean ranks, with the verdict against every other."""
    names = list(one.ranking.mean or one.ranking.systems)
    marks = dict.fromkeys(itertools.permutations(names, 2), "")
    for contest in one.contests:
        both = (contest.first, contest.second)
        even = "=" if contest.verdict.answer is Answer.EQUIVALENT else "·"
        for name, other in (both, both[::-1]):
            marks[name, other] = {name: "+", other: "−", None: even}[contest.winner]
    header = ["system", *(str(i) for i in range(1, len(names) + 1))]
    return header, [
        [f"{i} {label(name)}", *("" if other == name else marks[name, other] for other in names)]
        for i, name in enumerate(names, 1)
    ]


def pairs_csv(found: Standings) -> bytes:
    """Every pair as a table: λ, metric, systems, statistic, units, difference or ratio with its interval, verdict and p."""
    table = [
        {
            "lam": one.lam, "metric": one.measure.column, "first": one.first, "second": one.second,
            "statistic": one.verdict.location.statistic, "units": one.verdict.location.units,
            "ratio": one.measure.log, "estimate": one.verdict.shown.point, "low": one.verdict.shown.low,
            "high": one.verdict.shown.high, "verdict": one.verdict.words, "p_times_comparisons": one.verdict.p,
        }
        for standing in found.standings for one in standing.contests
    ]  # fmt: skip
    return pd.DataFrame(table).to_csv(index=False).encode()


def _size(one: Standing) -> str:
    return f"{counted(len(one.ranking.systems), 'system')} over {_units(one)}"


def _at(one: Standing) -> str:
    """What a standing says at its λ."""
    ranking, losses = one.ranking, one.losses
    begin = f"at λ = {exact(ranking.lam)}"
    if not ranking.mean:
        return f"{begin} not ranked, since no {ranking.unit[:-1]} has a result of all"
    if losses:
        unbeaten = _listed(one, [name for name in ranking.mean if not losses[name]])
        beaten = _listed(one, [name for name in ranking.mean if losses[name]])
        if len(losses) > _MOST_NAMES:
            beaten = f"the other {len(losses)}"
        are = "is" if len(losses) == 1 else "are"
        said = f"{begin} none is shown better than {unbeaten}, while {beaten} {are} shown worse than another"
    else:
        first = min(mean.point for mean in ranking.mean.values())
        best = _listed(one, [name for name, mean in ranking.mean.items() if mean.point == first])
        said = f"{begin} {'no two are shown to differ' if one.contests else 'too few for a verdict'}, best in the mean {best}"
    pairs = math.comb(len(ranking.systems), 2)
    unjudged = pairs - len(one.contests)
    return said + f", with too few results of {unjudged} of {pairs} pairs for a verdict" * (
        0 < unjudged < pairs
    )


def _listed(one: Standing, names: Sequence[str]) -> str:
    """Systems with their mean ranks in words; of many the first, and how many more."""
    words = [f"{label(name)} ({number(one.ranking.mean[name].point)})" for name in names]
    if len(words) > _MOST_NAMES:
        words[_MOST_NAMES:] = [f"{len(words) - _MOST_NAMES} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "any of them"


def _figure(one: Standing) -> Figure:
    means = {name: mean.point for name, mean in one.ranking.mean.items()}
    figure = rank_figure(means, one.groups() if one.ranking.judged else [])
    return Figure(
        f"ranks_{one.ranking.measure.column}_lambda_{exact(one.ranking.lam)}", figure, _caption(one)
    )


def _caption(one: Standing) -> str:
    return (
        f"Mean ranks by {one.ranking.measure.name} at λ = {exact(one.ranking.lam)} over {_units(one)}, the best at the left. "
        f"{_BARS if one.ranking.judged else 'Too few to judge a pair.'} Layout: Demšar 2006."
    )


def _median(study: Rows, group: pd.DataFrame, measure: Measure) -> str:
    """The median of a system's results, DIVERGED as worst."""
    values = states.ranked(group, measure, study.having(measure.column))
    median = float(np.median(values[~np.isnan(values)]))
    return "DIVERGED" if np.isinf(median) and rows.diverged_count(group) else number(median)


def _units(one: Standing) -> str:
    return counted(one.ranking.units, one.ranking.unit[:-1])
