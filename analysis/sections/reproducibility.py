"""Reproducibility statement, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.document.blocks import SMALL, Block, Text
from analysis.sections import _statement
from analysis.sections.base import Report, Section


@final
class Reproducibility(Section):
    """The statement, a paragraph each."""

    name, order, title = "reproducibility", 230, "Reproducibility statement"

    def blocks(self, report: Report) -> Iterator[Block]:
        yield Text(
            "Generated from the rows, to be pasted; python -m analysis.paper writes it as LaTeX.", SMALL
        )
        for words in _statement.sentences(report.study):
            yield Text(words)
