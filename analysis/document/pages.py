"""Pages: a report as PDF, set by Typst, with vector figures, bookmarks and tables that go over several pages."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import typst

from analysis.document.blocks import (
    FINDING,
    NOTE,
    SMALL,
    Block,
    Code,
    Details,
    Drawing,
    Facts,
    Heading,
    Part,
    Table,
    Text,
    flat,
)
from analysis.document.html import LARGEST_SVG

_STYLE = """
#set document(title: TITLE, date: none)
#set page(paper: "a4", margin: (x: 1.6cm, y: 1.8cm), numbering: "1")
#set text(font: "DejaVu Sans", size: 8.5pt, lang: "en")
#set par(leading: 0.6em)
#set heading(numbering: "1")
#show heading.where(level: 2): set heading(numbering: none)
#set table(stroke: none, inset: (x: 4pt, y: 2.5pt))
#set image(width: 100%)
#show figure.caption: set text(size: 7.5pt, fill: luma(90))
#let box-of(colour, body) = block(width: 100%, inset: (left: 8pt, y: 4pt), stroke: (left: 2.5pt + colour), fill: luma(247), body)
"""

_WIDE = 110
"""Characters of a table's line that fit into a line of a page at _SIZE."""

_SIZE, _LEAST = 7.5, 4.5
"""Sizes of a table's letters in points: where it fits, and at the least."""


def page(title: str, question: str, opening: Sequence[Block], parts: Sequence[Part]) -> bytes:
    """The whole document as PDF; the same blocks give the same bytes. Figures have been drawn (`files.rendered`)."""
    sections = [f"= #{_words(part.title)}\n{printed(part.blocks)}" for part in parts]
    source = "\n".join([
        _STYLE.replace("TITLE", _words(title)), f"#text(size: 17pt, weight: \"bold\", {_words(title)})\n",
        f"#text(size: 11pt, fill: luma(90), {_words(question)})\n", printed(opening), "#outline(depth: 1)", *sections,
    ])  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for block in flat([*opening, *(block for part in parts for block in part.blocks)]):
            if isinstance(block, Drawing):
                (Path(folder) / _image(block)).write_bytes(block.svg if _small(block) else block.png)
        place = Path(folder) / "report.typ"
        place.write_text(source)
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"  # those of the figures
        return bytes(typst.compile(str(place), root=folder, font_paths=[str(fonts)]))


def printed(blocks: Sequence[Block]) -> str:
    """Blocks as Typst's markup; what a page folds is printed in full."""
    return "\n\n".join(filter(None, map(_block, blocks)))


def _block(block: Block) -> str:
    match block:
        case Text(words, kind):
            plain = f"#text({_words(words)})"
            boxes = {FINDING: "#box-of(rgb(0, 114, 178))", NOTE: "#box-of(rgb(230, 159, 0))"}
            if kind in boxes:
                return f"{boxes[kind]}[{plain}]"
            return f"#text(size: 7.5pt, fill: luma(90), {_words(words)})" if kind == SMALL else plain
        case Heading(words):
            return f"== #{_words(words)}"
        case Table():
            return _table(block)
        case Drawing(_, caption):
            return f"#figure(image({_words(_image(block))}), numbering: none, caption: {_words(caption)})"
        case Details(title, blocks):
            return f"== #{_words(title)}\n{printed(blocks)}"
        case Code(words):
            return f"#raw({_words(words)}, block: true)"
        case Facts(facts):
            return ", ".join(f"#{_words(name)}: #strong({_words(value)})" for name, value in facts.items())
        case _:
            return ""


def _table(table: Table) -> str:
    """A table that goes on over pages, its header with it; smaller letters where lines are long."""
    lengths = [max(map(len, column)) for column in zip(table.header, *table.lines, strict=True)]
    size = min(max(_SIZE * _WIDE / (sum(lengths) + 2 * len(lengths)), _LEAST), _SIZE)
    align = ", ".join("left" if i < table.text_columns else "right" for i in range(len(table.header)))
    head = ", ".join(f"strong({_words(cell)})" for cell in table.header)
    cells = "".join(f"  {', '.join(map(_words, line))},\n" for line in table.lines)
    return (
        f"#block[#set text(size: {size:.2f}pt)\n#table(columns: {len(table.header)}, align: ({align},),\n"
        f"  table.hline(), table.header({head}), table.hline(stroke: 0.5pt),\n{cells}  table.hline())]"
    )


def _small(drawing: Drawing) -> bool:
    return len(drawing.svg) <= LARGEST_SVG


def _image(drawing: Drawing) -> str:
    return f"{drawing.name}.{'svg' if _small(drawing) else 'png'}"


def _words(text: str) -> str:
    """A string literal of Typst, in which nothing is markup."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
