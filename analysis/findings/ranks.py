"""Findings on many systems: the first by each of the study's metrics, and the number of pairs shown to differ."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.comparison.contests import Standing, Standings
from analysis.comparison.verdicts import Answer
from analysis.findings.base import MOST_MEASURES, Findings, at, between, diverged, over, scope, units_in_words
from analysis.rows import Rows
from analysis.vocabulary import Measure
from analysis.words import bounded, counted, label, listed

Told = dict[Measure, list[Standing]]
"""Metric -> its standings with verdicts, by λ."""

_MOST_FIRST = 3
"""Systems named that rank first at one λ or another."""


def findings(study: Rows, standings: Standings) -> Findings | None:
    """Findings of three systems or more; None where no pair is judged by a metric of the headline."""
    told: Told = {}
    for measure in study.leading[:MOST_MEASURES]:
        own = [one for one in standings.by(measure.compared) if one.contests]
        if own:
            told[measure] = own
    if not told:
        return None
    everything = [one for own in told.values() for one in own]
    lambdas = sorted({one.ranking.lam for one in everything})
    units = units_in_words([_units(one) for one in everything], everything[0].ranking.unit[:-1])
    first = f"Of {counted(len(study.algorithms), 'system')}, compared over {units} {over(lambdas)}, "
    places = "; ".join(_first(measure, own, study) for measure, own in told.items())
    differing = "; and ".join(_pairs(measure, own) for measure, own in told.items())
    each = ", each λ by itself," * (len(lambdas) > 1)
    return Findings(
        [f"{first}{places}.", f"Shown to differ{each} are {differing}."],
        _certainty(study, standings, everything),
    )


def _units(one: Standing) -> int:
    """Units that are ranked; where none has a result of every system, the most that two have."""
    return one.ranking.units or max(contest.verdict.location.units for contest in one.contests)


def _first(measure: Measure, own: Sequence[Standing], study: Rows) -> str:
    """Words for the system that ranks first by a metric, with the λ where there are several."""
    own = [one for one in own if one.ranking.mean]
    if not own:
        return f"none is ranked by {measure.name}, since no {study.unit.removesuffix('_key')} has a result of all"
    lambdas = [one.ranking.lam for one in own]
    places: dict[tuple[str, ...], list[Standing]] = {}
    for one in own:
        places.setdefault(_best(one), []).append(one)
    ordered = sorted(places.items(), key=lambda place: -len(place[1]))
    said = [
        " ".join(filter(None, (listed([f"{label(name)}’s" for name in names]), at([one.ranking.lam for one in there], lambdas), f"({_mean(there)})")))
        for names, there in ordered[:_MOST_FIRST]
    ]  # fmt: skip
    if len(ordered) > _MOST_FIRST:
        said.append(f"{len(ordered) - _MOST_FIRST} others’ elsewhere")
    having = len(own[0].ranking.systems)
    of = f", which {having} of them have," if having < len(study.algorithms) else ""
    return f"the best mean rank by {measure.name}{of} is {listed(said)}"


def _best(one: Standing) -> tuple[str, ...]:
    """The system of the best mean rank, or those that share it."""
    means = {name: mean.point for name, mean in one.ranking.mean.items()}
    least = min(means.values(), default=0)
    return tuple(name for name, mean in means.items() if mean == least)[:_MOST_FIRST]


def _mean(there: Sequence[Standing]) -> str:
    """The mean rank of who is first; of several λ the best and the worst."""
    means = sorted((one.ranking.mean[_best(one)[0]] for one in there), key=lambda mean: mean.point)
    if len(means) == 1 or means[0].point == means[-1].point:
        return bounded(means[0])
    return f"{bounded(means[0])} to {bounded(means[-1])}"


def _pairs(measure: Measure, own: Sequence[Standing]) -> str:
    """Words for the number of pairs shown to differ, and for the number that the first system wins."""
    contests = [contest for one in own for contest in one.contests]
    differing = sum(contest.winner is not None for contest in contests)
    said = f"{differing:,} of {counted(len(contests), 'pair')} by {measure.name}"
    first = {_best(one) for one in own}
    if len(first) > 1 or len(_best(own[0])) != 1:
        return said
    (best,) = _best(own[0])
    wins = [one.wins[best] for one in own]
    others = [sum(best in (c.first, c.second) for c in one.contests) for one in own]
    return f"{said}, {label(best)} being better than {between(wins)} of {between(others)} others"


def _certainty(study: Rows, standings: Standings, everything: Sequence[Standing]) -> list[str]:
    family = standings.family
    left_out = sum(one.ranking.left_out for one in everything)
    equal = sum(c.verdict.answer is Answer.EQUIVALENT for one in everything for c in one.contests)
    undecided = sum(c.verdict.answer is Answer.UNDECIDED for one in everything for c in one.contests)
    said = [
        f"Pairs are judged as one exploratory family of {family.size:,}: their intervals hold together with 95 %, each being at "
        f"{100 * family.confidence:.5g} %. Not shown to differ is not alike: equivalent within the smallest difference of "
        f"interest: {equal:,}; undecided: {undecided:,}.",
        "Intervals of mean ranks are 95 %, each by itself, and a rank depends on who else is ranked.",
        scope(study),
        diverged(study),
    ]
    if left_out:
        said.append(
            f"{counted(left_out, 'result')} of a configuration and seed at a λ are in no rank, since one of the systems has none there yet."
        )
    return said
