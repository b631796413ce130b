"""Sections of reports: what a metric cost, and one that cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import matplotlib.figure

from analysis.document.blocks import Block, Figure, Table, Text
from analysis.document.style import legend, log_axis, settings
from analysis.sections.base import Report, Section
from analysis.words import label, number


@final
class Cost(Section):
    """The leading metric of every run against the seconds that it trained."""

    name, order, title = "cost", 165, "What a result costs"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, measure = report.study, report.study.leading[0]
        with settings():
            figure = matplotlib.figure.Figure(figsize=(7, 4), layout="constrained")
            panel = figure.subplots()
            own = [study.runs[study.runs["algorithm"] == name] for name in report.colours]
            handles = [
                panel.scatter(runs["train_seconds"], runs[measure.column], s=9, color=shade)
                for runs, shade in zip(own, report.colours.values(), strict=True)
            ]
            log_axis(panel, "x")
            panel.set(xlabel="training seconds (log scale)", ylabel=measure.label)
            legend(figure, handles, [label(name) for name in report.colours])
        yield Text(f"{measure.label} of each run against the seconds that it trained.")
        yield Figure("cost", figure, "One point is one run.")


@final
class Slowest(Section):
    """The longest training of each system."""

    name, order, title = "slowest", 166, "Slowest runs"

    def blocks(self, report: Report) -> Iterator[Block]:
        longest = report.study.runs.groupby("algorithm")["train_seconds"].max()
        yield Table(
            ["system", "seconds"], [[label(str(name)), number(value)] for name, value in longest.items()], 1
        )


@final
class Failing(Section):
    """Divides by nothing."""

    name, order, title = "failing", 167, "Means of nothing"

    def blocks(self, report: Report) -> Iterator[Block]:
        yield Text("Before it fails.")
        yield Text(number(1 / len(report.study.lambdas[:0])))
