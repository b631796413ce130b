"""Findings on two systems that are compared at length: by the study's metrics, and as λ grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analysis.comparison.families import Comparison
from analysis.comparison.paired import Difference
from analysis.comparison.trade_off import BEGIN, Claim, Exchange, Finding, required
from analysis.comparison.verdicts import Answer, Family
from analysis.findings import robustness
from analysis.findings.base import MOST_MEASURES, Findings, at, over, scope, units_in_words
from analysis.rows import Rows
from analysis.statistics.estimates import sign_test_p
from analysis.statistics.locations import LEAST, LEAST_OF_MEDIAN
from analysis.vocabulary import Measure
from analysis.words import label, p_value, shortened

Told = dict[Measure, list[Difference]]
"""Metric -> its differences that are judged, by λ."""

_TRADES = {
    Finding.HOLDS: "{} trades generation for reconstruction",
    Finding.FAILS: "{} does not trade generation for reconstruction",
    Finding.UNDECIDED: "whether {} trades generation for reconstruction is undecided",
}
_SO_DOES = {
    Finding.HOLDS: "{} does",
    Finding.FAILS: "{} does not",
    Finding.UNDECIDED: "of {} that is undecided",
}
"""The same of the other system, said after it."""

_MOST_UNITS = 100
"""Units of which all on one side are a difference in any family there is."""


def findings(study: Rows, comparison: Comparison, claim: Claim | None, family: Family) -> Findings | None:
    """Findings of two systems; None where no metric of the headline is judged at any λ."""
    told = judged(study, comparison)
    if not told:
        return None
    second = [_claim(study, claim)] if claim is not None else [_divergence(comparison)]
    return Findings([_differences(comparison, told), *second], _certainty(study, comparison, told, family))


def judged(study: Rows, comparison: Comparison) -> Told:
    """Differences that have a verdict, of the metrics that the study is about."""
    told: Told = {}
    for measure in study.leading[:MOST_MEASURES]:
        own = [comparison.at(lam, measure.compared) for lam in comparison.pairs.lambdas]
        own = [d for d in own if d.verdict.smallest is not None and d.verdict.location.units >= LEAST]
        if own:
            told[measure] = own
    return told


def _differences(comparison: Comparison, told: Told) -> str:
    pairs = comparison.pairs
    everything = [d for own in told.values() for d in own]
    units = units_in_words([d.verdict.location.units for d in everything], everything[0].unit[:-1])
    where = "whatever λ" if pairs.level else over(pairs.lambdas)
    said = "; ".join(
        f"{measure.name} {', '.join(_answers(own, pairs.lambdas))}" for measure, own in told.items()
    )
    return f"{label(pairs.first)} against {label(pairs.second)}, over {units} {where}: {said}."


def _answers(own: Sequence[Difference], lambdas: Sequence[float]) -> Iterator[str]:
    """One metric's answers with the λ that have them: both directions, the commoner first, with their sizes; then others."""
    groups: dict[str, list[Difference]] = {}
    for one in own:
        groups.setdefault(_answer(one), []).append(one)
    ordered = sorted(groups.items(), key=lambda group: (not group[1][0].verdict.side, -len(group[1])))
    for answer, group in ordered:
        size = f"({_size(group, shortened(lambdas))})" * bool(group[0].verdict.side)
        yield " ".join(filter(None, (answer, at([d.lam for d in group], lambdas), size)))


def _answer(one: Difference) -> str:
    verdict = one.verdict
    if verdict.answer is Answer.DIFFERS:
        return "better" if verdict.side == one.measure.better else "worse"
    return f"equivalent within {verdict.margin}" if verdict.answer is Answer.EQUIVALENT else "undecided"


def _size(group: Sequence[Difference], words: Mapping[float, str]) -> str:
    """By how much: the difference or ratio, of several λ the least and the largest."""
    name = f"{group[0].verdict.location.statistic} {'ratio' if group[0].measure.log else 'difference'}"
    ordered = sorted(group, key=lambda d: abs(d.verdict.location.interval.point))
    least, most = ordered[0], ordered[-1]
    if least.verdict.estimate == most.verdict.estimate:
        return f"{name} {least.verdict.estimate}"
    return f"{name} from {least.verdict.estimate} at λ = {words[least.lam]} to {most.verdict.estimate} at λ = {words[most.lam]}"


def _claim(study: Rows, claim: Claim) -> str:
    error, score = required(study)
    lambdas = [lam for lam in study.lambdas if lam >= BEGIN]
    words = shortened(lambdas)
    ends = f"λ = {words[lambdas[0]]} to {words[lambdas[-1]]}"
    first, second = label(claim.first.algorithm), label(claim.second.algorithm)
    if claim.first.trades is claim.second.trades is Finding.UNDECIDED:
        return f"Whether {second} or {first} trades generation for reconstruction from {ends} is undecided."

    def size(one: Exchange) -> str:
        return f"{error.name} ratio {one.error.estimate}, {score.name} {_signed(one)}"

    too = " too" * (claim.first.trades is claim.second.trades is Finding.HOLDS)
    return (
        f"From {ends} {_TRADES[claim.second.trades].format(second)} ({size(claim.second)}), and "
        f"{_SO_DOES[claim.first.trades].format(first)}{too} ({size(claim.first)}): the claim that {second} alone does so {claim.finding.value}."
    )


def _signed(one: Exchange) -> str:
    point = one.score.shown.point
    return f"{'+' * (point > 0)}{one.score.estimate}"


def _divergence(comparison: Comparison) -> str:
    pairs = comparison.pairs
    counts = [(d.neither + d.first_only + d.second_only + d.both, d) for d in comparison.divergences]
    total = sum(count for count, _ in counts)
    first, second = (
        100 * sum(part + d.both for part, d in zip(parts, comparison.divergences, strict=True)) / total
        for parts in ([d.first_only for _, d in counts], [d.second_only for _, d in counts])
    )
    return f"Of {total:,} pairs of runs {first:.1f} % of {label(pairs.first)}’s and {second:.1f} % of {label(pairs.second)}’s DIVERGED."


def _certainty(study: Rows, comparison: Comparison, told: Told, family: Family) -> list[str]:
    everything = [d for own in told.values() for d in own]
    shown = [d.verdict.p for d in everything if d.verdict.side]
    p = (
        f"; where better or worse is said, p × {family.times:,.4g} is at most {p_value(max(shown))}"
        if shown
        else ""
    )
    return [
        f"All {family.size:,} intervals of this report’s verdicts hold together with 95 %, each being at {100 * family.confidence:.4g} %{p}.",
        *_too_few(everything, family),
        scope(study),
        *robustness.sentences(study, comparison.pairs, everything, family),
    ]


def _too_few(everything: Sequence[Difference], family: Family) -> list[str]:
    """Sentence on too few units for medians to show any difference in so large a family; none where they are enough."""
    most = max(d.verdict.location.units for d in everything)
    least = next((n for n in range(LEAST_OF_MEDIAN, _MOST_UNITS) if sign_test_p(n, 0) <= family.level), None)
    if most < LEAST_OF_MEDIAN or least is None or most >= least:
        return []
    return [
        f"So many comparisons leave no difference to be shown by medians over {most} {everything[0].unit}: it takes {least} or more."
    ]
