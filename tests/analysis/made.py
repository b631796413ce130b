"""One section of a report, made and printed as the report does it."""

from __future__ import annotations

from dataclasses import dataclass

from analysis import contents
from analysis.document import html
from analysis.document.blocks import Drawing, flat
from analysis.rows import Rows
from analysis.sections.base import Report, Section


@dataclass(frozen=True)
class Made:
    """A section's title, its HTML, '' where it does not apply, and its figures."""

    title: str
    body: str
    drawings: list[Drawing]


def made(kind: type[Section], study: Rows) -> Made:
    """The section as it is in a report of these rows."""
    part = contents.made(kind(), Report(study))
    drawings = [block for block in flat(part.blocks) if isinstance(block, Drawing)]
    return Made(part.title, html.printed(part.blocks), drawings)
