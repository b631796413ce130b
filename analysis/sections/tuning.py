"""The report's part on tunability: what one hyper-parameter alone gains from the default, and all together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, final

import pandas as pd

from analysis.comparison.families import judged_measures
from analysis.comparison.verdicts import natural
from analysis.document.blocks import SMALL, Block, Cells, Heading, Table, Text
from analysis.importance.tunability import Gain, best_on_average, configurations, declared_default, tuned
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.statistics.blocks import Sides, gains
from analysis.vocabulary import Measure
from analysis.words import bounded, label, number
from result_names import exact

_WORDS = (
    "Tunability (Probst et al. 2019): the gain from the default by the best level of one hyper-parameter alone, the others at "
    "the default, and by the best of all configurations; beside a gain, the level. The best of several is partly the luckiest: these gains are "
    "optimistic, that of all together most. {intervals} ∞: the default DIVERGED."
)
_INTERVALS = "Intervals: 95 % over seeds, simultaneous over the levels, so that they hold for the true gain whichever level is best."
_ONE_SEED = "With one seed there is no interval, and how much of a gain is luck cannot be told (--seeds 2)."


@final
class Tuning(Section):
    """A table per metric at the λ shown, or why there is none; nothing where a sampler chose the configurations."""

    name, order, title = "tuning", 190, "What tuning gains"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if study.manifest.searched:
            return
        grid = configurations(study)
        if not len(grid.columns):
            yield Text("Not shown: all runs are at one configuration.", SMALL)
            return
        intervals = _INTERVALS if study.runs["seed"].nunique() > 1 else _ONE_SEED
        yield Text(_WORDS.format(intervals=intervals), SMALL)
        for measure in judged_measures(study):
            sides = gains(study, measure)
            default, words = _default(study, sides, grid)
            if default is None:
                yield Text(f"{measure.name} is not shown: {words}.", SMALL)
                continue
            better = "times lower" if measure.log else "lower" if measure.better < 0 else "higher"
            yield Heading(f"{measure.name}: {better} by")
            yield Text(words, SMALL)
            yield Table(*_cells(sides, measure, grid, default, report.shown))


def _default(study: Rows, sides: Sides, grid: pd.DataFrame) -> tuple[str | None, str]:
    """Key of the default and words about it; None and why there is none."""
    if study.manifest.default:
        key = declared_default(study)
        return (
            key,
            "The default is the study’s." if key else "the study’s default is not among its configurations",
        )
    key = best_on_average(
        {name: dict(list(own.items())[:1]) if name in study.level else own for name, own in sides.items()}
    )
    if key is None:
        return None, "no configuration has a result of every system at every λ"
    levels = ", ".join(f"{name} {_word(grid.loc[key, name])}" for name in grid)
    return key, (
        f"The study declares no default (Study.default). Taken is the configuration that is best on average over its systems and λ, by mean "
        f"rank: {levels}. So the gains are what a system and λ leave to tune beyond one good choice for all."
    )


def _cells(sides: Sides, measure: Measure, grid: pd.DataFrame, default: str, shown: list[float]) -> Cells:
    """Header and a line per λ and system that has a result at the default."""
    header = ["λ", "system", "default", *grid.columns, "all together"]
    cells = []
    for lam in shown:
        for name, own in sides.items():
            found = tuned(own[lam], grid, default) if lam in own else None
            if found is not None:
                value = _natural(measure, measure.better * found.default)
                alone = [_alone(measure, gain, grid[one]) for one, gain in found.alone.items()]
                cells.append([exact(lam), label(name), value, *alone, _gain(measure, found.together)])
    return header, cells


def _alone(measure: Measure, gain: Gain | None, levels: pd.Series) -> str:
    """The gain of one hyper-parameter and the level that has it."""
    if gain is None or not gain.gain.point:
        return _gain(measure, gain)
    return f"{_gain(measure, gain)}: {_word(levels[gain.best])}"


def _gain(measure: Measure, gain: Gain | None) -> str:
    """A gain as it is printed: a factor where the measure is logarithmic."""
    return "–" if gain is None else bounded(natural(measure, gain.gain), 3)


def _natural(measure: Measure, value: float) -> str:
    return "DIVERGED" if math.isinf(value) else number(10**value if measure.log else value)


def _word(level: Any) -> str:
    return exact(level) if isinstance(level, float) else str(level)
