"""Blocks: the plain data that a report is made of. `html` and `markdown` print them, and know nothing of what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import matplotlib.figure

Cells: TypeAlias = tuple[list[str], list[list[str]]]
"""Header and lines of a table."""

SMALL, FINDING, NOTE = "small", "finding", "note"
"""Kinds of text: how to read what follows; what the rows say; what a reader must know first."""


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text, of one of the kinds above or of none."""

    words: str
    kind: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    words: str


@dataclass(frozen=True)
class Table:
    """A table of plain text cells; the first `text_columns` are words, the rest numbers."""

    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    text_columns: int = 2


@dataclass(frozen=True)
class Figure:
    """A figure, drawn once and written as `<name>.png` and `<name>.svg`.

    Attributes:
        name: of its files, one of its own in a report.
        figure: drawn under `style.settings`.
        caption: what is to be seen.
    """

    name: str
    figure: matplotlib.figure.Figure
    caption: str


@dataclass(frozen=True)
class Drawing:
    """A figure as bytes, in place of the `Figure` that it was (`files.rendered`)."""

    name: str
    caption: str
    png: bytes
    svg: bytes


@dataclass(frozen=True)
class Details:
    """Blocks that a page folds until they are clicked.

    Attributes:
        title: what is shown of them.
        blocks: the blocks.
        brief: whether they are in Markdown too, which cannot fold.
    """

    title: str
    blocks: Sequence[Block]
    brief: bool = False


@dataclass(frozen=True)
class Code:
    """Something to copy, such as a command."""

    words: str


@dataclass(frozen=True)
class Facts:
    """Numbers with their names, in small boxes."""

    facts: Mapping[str, str]


@dataclass(frozen=True)
class File:
    """A file beside the page, which no printer shows."""

    name: str
    data: bytes


Block: TypeAlias = Text | Heading | Table | Figure | Drawing | Details | Code | Facts | File


@dataclass(frozen=True)
class Part:
    """One section of a report as it is printed."""

    title: str
    blocks: Sequence[Block]


def flat(blocks: Sequence[Block]) -> Iterator[Block]:
    """Every block, those inside of others too."""
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from flat(block.blocks)
