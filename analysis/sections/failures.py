"""The report's part on failures: how many runs break the limits that the study declares, and how many survive each value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import final

from analysis.document.blocks import FINDING, SMALL, Block, Cells, Figure, Heading, Table, Text
from analysis.fragility.survival import ANY, Failed, failures, survivals
from analysis.sections._profile_figure import survival_figure
from analysis.sections.base import Report, Section
from analysis.sections.fragility import at, names, place, points
from analysis.words import label, percent
from result_names import exact

_WORDS = (
    "A run has failed where it misses a bound that the study declares; a DIVERGED run fails in every way, and a system without a "
    "metric cannot fail by it. Shares of the configurations with Wilson’s 95 % intervals; differences are paired by configuration and "
    "seed. Best λ: at which a system fails least in any way, chosen on the rows that it is reported on, and taken as given."
)
_SURVIVAL = (
    "Survival curves: share of the configurations (up) whose metric is at least as good as the axis says, with simultaneous 95 % "
    "bands: the whole curve is within its band with that confidence. The higher curve fails less, wherever failure begins; dotted: "
    "the limit of the tables."
)


@final
class Failures(Section):
    """Failures by the study's limits, and survival curves of their metrics; nothing of a study without limits."""

    name, order, title = "failures", 25, "Failures"

    def blocks(self, report: Report) -> Iterator[Block]:
        found = failures(report.study)
        if not found:
            return
        level = report.study.level
        for words in sentences(found, level):
            yield Text(words, FINDING)
        yield Text(_WORDS, SMALL)
        yield Table(*own_cells(found), text_columns=2)
        header, cells = paired_cells(found, level)
        if cells:
            yield Heading("First − second, in percentage points")
            yield Table(header, cells)
        if report.few and (curves := list(survivals(report.study))):
            yield Figure("survival", survival_figure(curves, report.shown, report.colours), _SURVIVAL)


def sentences(found: Sequence[Failed], level: Collection[str] = ()) -> Iterator[str]:
    """Sentences that say which share fails in any way, at each system's best λ where there are several; of the first pair."""
    first = [one for one in found if one.kind == found[0].kind and one.differences]
    for one in [one for one in first if one.best] or first:
        pair = next(iter(one.differences))
        what = "Failed" if one.kind == ANY else one.kind
        yield (
            f"{what}, {at(one.lams, one.best, pair, level)}: {percent(one.own[pair[0]])} of {label(pair[0])}’s and "
            f"{percent(one.own[pair[1]])} of {label(pair[1])}’s {one.configurations} configurations, difference "
            f"{points(one.differences[pair])} percentage points."
        )


def own_cells(found: Sequence[Failed]) -> Cells:
    """Header and cells of each system's shares, a row per λ and system and a column per kind."""
    kinds = list(dict.fromkeys(one.kind for one in found))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for one in found:
        for name, share in one.own.items():
            if not one.best:
                line = cells.setdefault((exact(one.lams[name]), name), {"": str(one.configurations)})
                line[one.kind] = percent(share)
    lines = [
        [lam, label(name), line[""], *(line.get(kind, "–") for kind in kinds)]
        for (lam, name), line in cells.items()
    ]
    return ["λ", "system", "configurations", *kinds], lines


def paired_cells(found: Sequence[Failed], level: Collection[str] = ()) -> Cells:
    """Header and cells of the paired differences, a row per λ and pair and a column per kind."""
    kinds = list(dict.fromkeys(one.kind for one in found))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for one in found:
        for pair, difference in one.differences.items():
            line = cells.setdefault(
                (place(one.lams, one.best, pair, level), names(pair)),
                {"": str(one.configurations), " ": str(one.left_out)},
            )
            line[one.kind] = points(difference)
    lines = [
        [*row, line[""], line[" "], *(line.get(kind, "–") for kind in kinds)] for row, line in cells.items()
    ]
    return ["λ", "systems", "configurations", "left out", *kinds], lines
