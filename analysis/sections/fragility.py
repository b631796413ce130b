"""The report's first part: which system is less fragile, in words, tables and the performance profile."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar, final

from analysis.document.blocks import FINDING, SMALL, Block, Cells, Details, Figure, Heading, Table, Text
from analysis.fragility.fresh_seeds import reevaluated
from analysis.fragility.results import LEAST, Lams, Measured, Met, Results
from analysis.fragility.statistics import FEW, Contrast, Pair
from analysis.rows import Rows
from analysis.sections._profile_figure import profile_figure
from analysis.sections.base import Report, Section
from analysis.statistics.estimates import Interval
from analysis.words import bounded, capital, label, number, percent
from result_names import exact

_M = TypeVar("_M", Measured, Met)

_WORDS = (
    "Over configurations, each compared with itself under the other system (same seed, and the same λ but in the rows of the best "
    "λ). A DIVERGED run, or an infinite value, is worse than any other; a system without a metric is not compared by it. Best λ: "
    "of the highest median, DIVERGED as worst, of the same metric; of a target, of the largest share; chosen on the rows that it "
    "is reported on, and taken as given by the interval. Intervals: 95 %, over configurations like these, not corrected for their number: of "
    f"shares and of P for the same configuration Wilson’s, of a worst tenth of fewer than {FEW} results Student’s, of all else percentile bootstraps. Of "
    "one system’s worst tenth none covers where it has few results (docs/statistics.md); of the difference of two Student’s does."
)
_STATISTICS = (
    "First / second system, then their difference. Worst tenth: mean of the worst 10 % of the runs. IQM and IQR: mean of the runs "
    "between the quartiles and distance of the quartiles. P: that the first system has the better value, for the same "
    "configuration, and for one of each at random; ties count half."
)
_PROFILE = (
    "Performance profiles: share of the configurations (up) that come at least as close to the best value as the axis says, with "
    "pointwise 95 % bands. The higher curve is the less fragile system; dotted: the closeness of the tables."
)
_FRESH = (
    "Expected best of k configurations by {measure}: on the seed that chose it, and its mean on the other seeds, averaged over the "
    "choosing seeds. A DIVERGED run counts as the worst value of any system at its λ."
)
_STEPS = (1, 4, 16, 64, 256)
_MOST_MEASURES = 3
"""Rows of the figure."""


@final
class Fragility(Section):
    """How fragile each system is; a line that says why not of two systems that cannot be compared; nothing of one."""

    name, order, title = "fragility", 20, "Fragility"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, results = report.study, report.fragility
        if len(study.algorithms) < 2 or study.manifest.searched:
            return
        if not results.measured and not results.met:
            yield Text(
                f"Not shown: it takes two systems with results of a metric on {LEAST} configurations in common, or more."
            )
            return
        for words in sentences(results):
            yield Text(words, FINDING)
        yield Text(_WORDS, SMALL)
        for title, cells in target_tables(results):
            yield Heading(f"Target: {title}")
            yield Table(*cells)
        measures = list(dict.fromkeys(m.closeness.measure for m in results.measured))[:_MOST_MEASURES]
        if measures and report.few:
            figure = profile_figure(results.measured, measures, report.shown, report.colours)
            yield Figure("profile", figure, _PROFILE)
        yield Text(_STATISTICS, SMALL)
        for i, (title, cells) in enumerate(tables(results)):
            if i < _MOST_MEASURES:
                yield Heading(capital(title))
                yield Table(*cells)
            else:
                yield Details(capital(title), [Table(*cells)], brief=True)
        if results.measured:
            yield Details("Each system alone", [Table(*own_cells(results), text_columns=3)])
        fresh = fresh_cells(study, results, report.shown)
        if fresh[1]:
            yield Heading("Best of k on fresh seeds")
            yield Text(_FRESH.format(measure=results.measured[0].closeness.measure.label), SMALL)
            yield Table(*fresh)


def sentences(results: Results) -> list[str]:
    """One sentence per target and per measure, at each system's best λ where there are several; of the first pair."""
    met, measured = _said(results)
    return met + measured


def _said(results: Results) -> tuple[list[str], list[str]]:
    met = [
        target_sentence(m, next(iter(m.differences)), results.level)
        for m in _spoken(results.met)
        if m.differences
    ]
    measured = [
        sentence(m, m.found.contrasts[0], results.level)
        for m in _spoken(results.measured)
        if m.found.contrasts
    ]
    return met, measured


def target_sentence(met: Met, pair: Pair, level: Collection[str] = ()) -> str:
    """How many configurations meet a target under each of two systems."""
    first, second = (met.own[name] for name in pair)
    return (
        f"{capital(met.words)}, {at(met.lams, met.best, pair, level)}: met in {percent(first)} of {label(pair[0])}’s and "
        f"{percent(second)} of {label(pair[1])}’s {met.configurations} configurations, difference "
        f"{points(met.differences[pair])} percentage points."
    )


def sentence(measured: Measured, contrast: Contrast, level: Collection[str] = ()) -> str:
    """How fragile each of two systems is by a measure."""
    close, pair = measured.closeness, (contrast.first, contrast.second)
    first, second = (measured.found.own[name] for name in pair)
    tails = [measured.natural(tail) for tail in (first.tail, second.tail, contrast.difference.tail)]
    unit = f" {close.measure.unit}" if close.measure.unit else ""
    return (
        f"{capital(close.measure.label)}, {at(measured.lams, measured.best, pair, level)}: {close.words()} in {percent(first.near)} of "
        f"{label(pair[0])}’s and {percent(second.near)} of {label(pair[1])}’s {measured.found.configurations} configurations "
        f"(difference {points(contrast.difference.near)} percentage points); mean of the worst tenth {_rounded(tails[0])} and "
        f"{_rounded(tails[1])}{unit} (difference {_rounded(tails[2])}); {label(pair[0])} has the better value of the same "
        f"configuration with probability {bounded(contrast.same)}."
    )


def target_tables(results: Results) -> Iterator[tuple[str, Cells]]:
    """Title, header and cells of each target, a row per λ and pair; nothing where no pair is compared."""
    header = ["λ", "systems", "configurations", "left out", "met, first [95 %]", "met, second [95 %]",
              "difference in points [95 %]"]  # fmt: skip
    for target, words in dict.fromkeys((m.target, m.words) for m in results.met):
        cells = [
            [place(m.lams, m.best, pair, results.level), names(pair), str(m.configurations), str(m.left_out),
             *(percent(m.own[name]) for name in pair), points(difference)]
            for m in results.met if m.target == target for pair, difference in m.differences.items()
        ]  # fmt: skip
        if cells:
            yield words, (header, cells)


def tables(results: Results) -> Iterator[tuple[str, Cells]]:
    """Title, header and cells of each measure, a row per λ and pair; nothing where no pair is compared."""
    for close in dict.fromkeys(m.closeness for m in results.measured):
        unit = f", {close.measure.unit}" if close.measure.unit else ""
        header = ["λ", "systems", "configurations", "left out", f"{close.words()} (%)", f"worst tenth{unit}", f"IQM{unit}",
                  f"IQR{unit}", "P, same configuration", "P, at random"]  # fmt: skip
        cells = [
            _cells(m, c, results.level)
            for m in results.measured
            if m.closeness == close
            for c in m.found.contrasts
        ]
        if cells:
            yield close.measure.label, (header, cells)


def own_cells(results: Results) -> Cells:
    """Header and cells of each system's statistics with their intervals."""
    header = ["metric", "λ", "system", "near the best", "worst tenth", "IQM", "IQR"]
    cells = [
        [m.closeness.measure.label, exact(m.lams[name]), label(name), percent(own.near), _rounded(m.natural(own.tail)),
         _rounded(m.natural(own.middle)), _rounded(own.width)]
        for m in results.measured if not m.best for name, own in m.found.own.items()
    ]  # fmt: skip
    return header, cells


def fresh_cells(study: Rows, results: Results, shown: list[float]) -> Cells:
    """Header and cells of the best of k by the first measure, chosen on one seed; no cells for one seed."""
    header = ["λ", "system", "k", "on the seed that chose", "on fresh seeds", "difference"]
    cells = []
    for m in results.measured[:1]:
        for lam in shown:
            for name in m.lams:
                for one in reevaluated(study, name, lam, m.closeness.measure, _STEPS):
                    values = [bounded(value) for value in (one.chosen, one.fresh, one.lost)]
                    cells.append([exact(lam), label(name), str(one.k), *values])
    return header, cells


def _cells(measured: Measured, contrast: Contrast, level: Collection[str]) -> list[str]:
    pair = (contrast.first, contrast.second)
    own, difference = [measured.found.own[name] for name in pair], contrast.difference
    return [
        place(measured.lams, measured.best, pair, level),
        names(pair),
        str(measured.found.configurations),
        str(measured.left_out),
        " / ".join(f"{100 * one.near.point:.1f}" for one in own) + f", {points(difference.near)}",
        _both(measured, [one.tail for one in own], difference.tail),
        _both(measured, [one.middle for one in own], difference.middle),
        _against([one.width for one in own], difference.width),
        bounded(contrast.same),
        bounded(contrast.random),
    ]


def _spoken(found: list[_M]) -> list[_M]:
    """Those at the best λ; all of a study with one λ."""
    return [m for m in found if m.best] or found


def _both(measured: Measured, own: list[Interval], difference: Interval) -> str:
    return _against([measured.natural(one) for one in own], measured.natural(difference))


def _against(own: list[Interval], difference: Interval) -> str:
    return " / ".join(number(_clean(one.point)) for one in own) + f", {_rounded(difference)}"


def points(found: Interval) -> str:
    """A difference of shares in percentage points."""
    low, point, high = (
        f"{100 * value:.1f}".replace("-", "−") for value in (found.low, found.point, found.high)
    )
    return f"{point} [{low}, {high}]"


def _rounded(found: Interval) -> str:
    return bounded(Interval(*map(_clean, (found.point, found.low, found.high))))


def _clean(value: float) -> float:
    """Without what rounding left of an exact zero."""
    return round(value, 9) + 0.0


def at(lams: Lams, best: bool, pair: Pair, level: Collection[str]) -> str:
    if all(name in level for name in pair):
        return "whatever λ"
    first, second = ("any" if best and name in level else exact(lams[name]) for name in pair)
    if not best:
        return f"λ = {first}"
    return f"at the best λ of each system ({label(pair[0])} {first}, {label(pair[1])} {second})"


def place(lams: Lams, best: bool, pair: Pair, level: Collection[str]) -> str:
    if all(name in level for name in pair):
        return "any"
    first, second = ("any" if best and name in level else exact(lams[name]) for name in pair)
    return f"best: {first}, {second}" if best else first


def names(pair: Pair) -> str:
    return f"{label(pair[0])}, {label(pair[1])}"
