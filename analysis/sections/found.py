"""Top of the report: what was found, in two sentences, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import final

from analysis import rows
from analysis.comparison.rankings import LEAST_SYSTEMS
from analysis.document.blocks import FINDING, Block, Heading, Text
from analysis.findings import alone, nothing, pair, ranks, search
from analysis.findings.base import Findings
from analysis.findings.progress import so_far
from analysis.sections.base import Report, Section


@final
class WhatWasFound(Section):
    """First words of every report."""

    name, order, title = "found", 1, "What was found"

    def opening(self, report: Report) -> Iterator[Block]:
        found = findings(report)
        yield Heading(self.title)
        yield Text(" ".join(found.sentences), FINDING)
        certainty = [*found.certainty, *filter(None, [so_far(report.study, datetime.now(UTC))])]
        if certainty:
            yield Heading("How sure that is")
            yield Text(" ".join(certainty))

    def blocks(self, report: Report) -> Iterator[Block]:
        yield from ()


def findings(report: Report) -> Findings:
    """Findings of a search, of one system, of many by their ranks, of two by their differences; else what is missing for any."""
    study, comparison = report.study, report.comparison
    found: Findings | None = None
    if len(rows.results(study.trained)):
        if study.manifest.searched:
            return search.findings(study)
        if len(study.algorithms) == 1:
            return alone.findings(study, report.summary)
        if len(study.algorithms) >= LEAST_SYSTEMS:
            found = ranks.findings(study, report.standings)
        if found is None and comparison is not None:
            found = pair.findings(study, comparison, report.claim, report.family)
    return found or nothing.findings(study, comparison)
