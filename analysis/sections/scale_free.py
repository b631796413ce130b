"""The report's part that compares two systems without taking λ to weigh the same in both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.comparison.paired import published_pairs
from analysis.comparison.trade_off import BEGIN, required
from analysis.document.blocks import SMALL, Block, Cells, Heading, Table, Text
from analysis.fragility.scale_free import (
    RATIOS,
    Advantage,
    Curves,
    at_levels,
    at_ratio,
    comparable,
    curves,
    measures,
    volumes,
)
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.statistics.estimates import Interval
from analysis.vocabulary import Measure
from analysis.words import bounded, label, number
from result_names import exact

_WORDS = (
    "One λ need not weigh the same in two objectives: where they take it to different terms, or to sums and to means, a curve over λ "
    "is moved along. What follows takes each configuration’s curve over λ > 0 under each system and compares them where they "
    "reconstruct equally well, by the area that they dominate, and at a multiple of λ. Intervals are over configurations."
)
_LEVELS = (
    "First − second where the curves first cross a level of {error} as λ grows, linear in its logarithm between two λ; of the configurations whose "
    "curves cross it in both systems. A curve that does not cross it and has a DIVERGED run counts as the worst possible value. "
    "Hypervolume: of the λ from {begin:g} up, in decades of {error} below the study’s worst times the metric above its worst possible "
    "value; a DIVERGED run adds nothing."
)
_RATIOS = (
    "Median over configurations of first − second, the first system at a multiple of λ, linear in log λ between two λ of the same "
    "configuration, the second at λ. {error}: median ratio. If a difference at λ vanishes at a multiple of λ, it is one of units of λ."
)


@final
class ScaleFree(Section):
    """Both tables of `cells_of`; nothing where there are none, or a sampler chose the configurations."""

    name, order, title = "scale_free", 60, "Without the scale of λ"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        tables = [] if study.manifest.searched else cells_of(study)
        if not tables:
            return
        error, _ = required(study)
        yield Text(_WORDS, SMALL)
        words = (_LEVELS.format(begin=BEGIN, error=error.label), _RATIOS.format(error=error.label))
        for (title, cells), how in zip(tables, words, strict=True):
            yield Heading(title)
            yield Text(how, SMALL)
            yield Table(*cells)


def cells_of(study: Rows) -> list[tuple[str, Cells]]:
    """Title, header and cells of both tables; nothing where no two systems reconstruct at two positive λ."""
    levels: list[list[str]] = []
    ratios: list[list[str]] = []
    for first, second in published_pairs(study):
        names = f"{label(first)} − {label(second)}"
        if not comparable(study, first, second):
            continue
        for measure in measures(study):
            found = curves(study, first, second, measure)
            if not len(found.units):
                continue
            name = (first, second, measure.label)
            for level in at_levels(found, measure):
                line = [names, measure.label, f"{found.cost.name} {number(level.level, 1)}"]
                levels.append(
                    [*line, *_advantage(level.advantage), str(level.first_only), str(level.second_only)]
                )
            volume = volumes(found, measure)
            if volume is not None:
                line = [names, measure.label, f"hypervolume (first: {number(volume.first)})"]
                levels.append([*line, *_advantage(volume.advantage), "–", "–"])
            for one in (measure, found.cost) if measure == measures(study)[0] else (measure,):
                ratios += [[names, *line] for line in _ratio_cells(found, one, name)]
    if not levels and not ratios:
        return []
    header = ["systems", "metric", "at", "configurations", "median [95 %]", "mean [95 %]", "first better in",
              "only the first crosses", "only the second"]  # fmt: skip
    multiples = ["systems", "metric", "λ of the second", *(f"first at {ratio:g} λ" for ratio in RATIOS)]
    return [("At equal reconstruction", (header, levels)), ("At multiples of λ", (multiples, ratios))]


def _ratio_cells(found: Curves, measure: Measure, name: object) -> Iterator[list[str]]:
    """A line per λ of the second system at which the first can be read off at a multiple."""
    for lam in found.lambdas:
        matched = [at_ratio(found, measure, float(lam), ratio, name) for ratio in RATIOS]
        texts = [
            "–" if one is None else bounded(_ratio(one.median) if measure.log else one.median)
            for one in matched
        ]
        yield [f"{measure.name} ratio" if measure.log else measure.label, exact(float(lam)), *texts]


def _advantage(found: Advantage) -> list[str]:
    return [
        str(found.configurations),
        bounded(found.median),
        bounded(found.mean),
        f"{100 * found.better:.1f} %",
    ]


def _ratio(found: Interval) -> Interval:
    return Interval(10**found.point, 10**found.low, 10**found.high)
