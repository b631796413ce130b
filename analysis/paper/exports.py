"""Files of a paper from a report's blocks: every table, every figure, the statement, a document that has them all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from analysis import contents
from analysis.document import pages
from analysis.document.blocks import Block, Details, Figure, Heading, Part, Table
from analysis.document.files import rendered
from analysis.paper import latex
from analysis.paper.figures import pdf
from analysis.rows import Rows
from analysis.sections import _statement
from analysis.sections.base import Report, Section
from analysis.words import naming

_HEAD = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp,booktabs,graphicx,caption}
\usepackage[margin=1in]{geometry}
\begin{document}
"""


@dataclass
class Exports:
    """Files of a paper.

    Attributes:
        files: name -> content; `paper.tex`, which includes the others, and `report.pdf` last.
        failures: one line for each section that could not be made.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Section(contents.Attempt):
    """A section with its files, each with the LaTeX that shows it."""

    files: list[tuple[str, bytes, str]] = field(default_factory=list)


def build(study: Rows, column: float, page: float, processes: int = 1) -> Exports:
    """Every table as LaTeX and CSV, every figure as PDF, the statement and the report.

    Args:
        study: the rows.
        column, page: widths in inches that figures are scaled to (`figures.pdf`).
        processes: sections that are made at once.

    Raises:
        SectionsError: the sections of the report cannot be told.
    """
    sections = contents.attempts(study, processes, partial(_made, column=column, page=page))
    exports = Exports(failures=contents.failures(sections))
    shown: list[str] = []
    for section in sections:
        for name, data, words in section.files if isinstance(section, _Section) else ():
            exports.files[name] = data
            shown.append(words)
    with naming(study.manifest.labels):
        statement = "\n".join(map(latex.paragraph, _statement.sentences(study)))
    exports.files["statement.tex"] = statement.encode()
    exports.files["paper.tex"] = _document(study, shown).encode()
    opening = [block for section in sections for block in section.opening]
    parts = [section.part for section in sections if section.part.blocks]
    report = pages.page(study.manifest.study, study.manifest.question, opening, parts)
    return replace(exports, files={**exports.files, "report.pdf": report})


def _made(section: Section, report: Report, *, column: float, page: float) -> contents.Attempt:
    opening, blocks = list(section.opening(report)), list(section.blocks(report))
    title = section.heading(report) if blocks else section.title
    part, top = Part(title, [rendered(block) for block in blocks]), [rendered(block) for block in opening]
    files = list(_exported([*opening, *blocks], section.name, title, column, page))
    return _Section(part, top, files=files)


def _exported(blocks: Sequence[Block], section: str, title: str, column: float, page: float) -> Iterator[tuple[str, bytes, str]]:  # fmt: skip
    """Name, content and LaTeX that shows each file; that of a table's CSV is ''."""
    taken: set[str] = set()
    for caption, block in _captioned(blocks, title):
        if isinstance(block, Table):
            name = f"tables/{_unique(_slug(section, title, caption), taken)}"
            yield f"{name}.csv", _csv(block), ""
            words = _shown("table", f"\\input{{{name}.tex}}", caption)
            yield f"{name}.tex", latex.tabular(block).encode(), words
        elif isinstance(block, Figure):
            name = f"figures/{block.name}.pdf"
            words = f"\\includegraphics[width=\\linewidth]{{{name}}}"
            yield name, pdf(block.figure, column, page), _shown("figure", words, block.caption)


def _captioned(blocks: Sequence[Block], title: str) -> Iterator[tuple[str, Block]]:
    """Every block with the words above it: the section's title, and the heading under which it stands."""
    caption = title
    for block in blocks:
        if isinstance(block, Heading):
            caption = f"{title}: {block.words}"
        elif isinstance(block, Details):
            yield from _captioned(block.blocks, f"{title}: {block.title}")
        else:
            yield caption, block


def _slug(section: str, title: str, caption: str) -> str:
    """A table's name: its section's, and the words that its heading adds."""
    added = caption.removeprefix(title).lower()
    return "_".join(filter(None, (section, *re.findall(r"[a-z0-9.]+", added)))).replace(".", "_")


def _unique(name: str, taken: set[str]) -> str:
    count = next(n for n in range(1, len(taken) + 2) if _numbered(name, n) not in taken)
    taken.add(_numbered(name, count))
    return _numbered(name, count)


def _numbered(name: str, count: int) -> str:
    return name if count == 1 else f"{name}_{count}"


def _csv(table: Table) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.header, *table.lines])
    return text.getvalue().encode()


def _shown(kind: str, body: str, caption: str) -> str:
    """A table or figure where it is written, not floating: a document may have any number of them."""
    return f"\\noindent\\begin{{minipage}}{{\\linewidth}}\\centering\n{body}\n\\captionof{{{kind}}}{{{latex.escaped(caption)}}}\n\\end{{minipage}}\\bigskip\n\n"


def _document(study: Rows, shown: Sequence[str]) -> str:
    """A document with the statement and every table and figure, from which a paper takes its own."""
    title = f"\\section*{{{latex.escaped(study.manifest.question)}}}\n"
    return f"{_HEAD}{title}\\input{{statement.tex}}\n\\bigskip\n\n{''.join(shown)}\\end{{document}}\n"
