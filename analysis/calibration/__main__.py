"""Simulates how often the report's intervals cover and its verdicts are false.

    python -m analysis.calibration [--repetitions N]

Prints the tables of docs/statistics.md and says where a bound is not kept. Of intervals 95 % should cover. Of reports on five λ
and two metrics in which nothing differs, or everything by exactly the smallest difference of interest, 5 % at most
should hold a false verdict.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tyro

import command_output
from analysis.calibration.component_coverage import component_coverage
from analysis.calibration.early_looks import false_looks
from analysis.calibration.error_rates import false_claims, false_contests, false_effects, false_verdicts
from analysis.calibration.fragility_coverage import fragility_coverage
from analysis.calibration.importance_coverage import share_coverage, tuning_coverage
from analysis.calibration.interval_coverage import (
    HELD,
    clustered_coverage,
    location_coverage,
    range_coverage,
    ranking_coverage,
)
from analysis.calibration.survival_coverage import survival_coverage
from analysis.document import markdown

COVERAGE = (0.92, 0.97)
FALSE = 0.06
"""Bounds to keep, of coverage from five units up for normal and t(2) data, and of reports with a false verdict."""

_NOISE = 3
"""Standard errors of a simulated share that it may lie beyond its bound."""


def broken(table: pd.DataFrame, low: float, high: float, repetitions: int) -> list[str]:
    """Entries below `low` or above `high` by more than chance allows, in words."""
    noise = [_NOISE * np.sqrt(bound * (1 - bound) / repetitions) for bound in (low, high)]
    return [
        f"{', '.join(map(str, index))}, {column}: {value:.3f}"
        for index, line in table.iterrows()
        for column, value in line.items()
        if value < low - noise[0] or value > high + noise[1]
    ]  # fmt: skip


def beyond_coverage(table: pd.DataFrame, repetitions: int) -> list[str]:
    """Entries of normal and t(2) data from five units up whose coverage is not within COVERAGE, in words."""
    held = table[[data.partition(",")[0] in HELD for _, data in table.index]]
    return broken(held[[n for n in held if n >= 5]], *COVERAGE, repetitions)


def below_coverage(table: pd.DataFrame, repetitions: int) -> list[str]:
    """The same, only those that cover too seldom: an interval over clusters may err on the long side."""
    return [
        words
        for words in beyond_coverage(table, repetitions)
        if float(words.rpartition(" ")[2]) < COVERAGE[0]
    ]


def below_fragility(table: pd.DataFrame, repetitions: int) -> list[str]:
    """`below_coverage` of all but one system's worst tenth, which no interval covers (docs/statistics.md)."""
    return below_coverage(
        table[[not name.endswith("tenth of a system") for name, _ in table.index]], repetitions
    )


def over(table: pd.DataFrame, repetitions: int) -> list[str]:
    """Entries above FALSE, in words."""
    return broken(table, 0.0, FALSE, repetitions)


def _markdown(table: pd.DataFrame) -> str:
    cells = [
        [*map(str, index), *("–" if np.isnan(v) else f"{v:.3f}" for v in line)]
        for index, line in zip(table.index, table.to_numpy(), strict=True)
    ]
    return markdown.table(["of", "data or truth", *map(str, table.columns)], cells)


@dataclass(frozen=True)
class Options:
    """Simulate how often the report's intervals cover and its verdicts are false."""

    repetitions: int = 1000
    """Repetitions of each cell; a tenth of them where a cell takes a whole study."""


def main(arguments: list[str] | None = None) -> int:
    """Prints the tables; 0, or 1 and what is beyond its bound."""
    count = tyro.cli(Options, args=arguments, prog="python -m analysis.calibration").repetitions
    few = max(count // 10, 1)
    wrong: list[str] = []
    for title, simulate, repetitions, beyond in (
        ("Coverage of 95 % intervals, by units", location_coverage, count, beyond_coverage),
        ("Coverage over configurations, by their number", clustered_coverage, count, below_coverage),
        ("Coverage of ranges of λ, by configurations", range_coverage, few, below_coverage),
        ("Coverage of fragility, by configurations", fragility_coverage, max(count // 5, 1), below_fragility),
        ("Coverage of whole survival curves, by configurations", survival_coverage, few, below_coverage),
        ("Coverage of mean ranks, by units", ranking_coverage, count, below_coverage),
        ("Coverage of components of variance, by configurations", component_coverage, count, below_coverage),
        ("Coverage of shares of variance, by configurations", share_coverage, few, below_coverage),
        ("Coverage of gains of tuning, by configurations", tuning_coverage, few, below_coverage),
        ("Reports with a false verdict, by units", false_verdicts, count, over),
        (
            "Studies with a false verdict at one of their looks, by units",
            false_looks,
            max(count // 4, 1),
            over,
        ),
        ("Reports in which two of five systems differ and none does, by units", false_contests, count, over),
        ("Reports with a false claim, by configurations", false_claims, few, over),
        ("Studies with a false main effect, by seeds", false_effects, max(count // 2, 1), over),
    ):
        table = simulate(repetitions)
        print(f"### {title}\n\n{_markdown(table)}", flush=True)
        wrong += beyond(table, repetitions)
    print("\n".join(["Beyond its bound:", *wrong]) if wrong else "Every bound is kept.")
    return bool(wrong)


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
