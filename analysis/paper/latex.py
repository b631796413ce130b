"""Tables and words as LaTeX; a document needs the packages booktabs, graphicx and textcomp."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

from analysis.document.blocks import Table

LONG = 45
"""A table of more lines is set in parts of so many, since a page holds no more."""


@cache
def _encoder() -> UnicodeToLatexEncoder:
    # A letter that LaTeX has not is written by its code point, as figures do.
    return UnicodeToLatexEncoder(
        unknown_char_policy=lambda c: f"[U+{ord(c):04X}]", unknown_char_warning=False
    )


def escaped(text: str) -> str:
    """Plain text as LaTeX of ASCII characters alone, `λ` as `\\ensuremath{\\lambda}`."""
    return str(_encoder().unicode_to_latex(text))


def tabular(table: Table) -> str:
    """A table under booktabs' rules, no wider than a line: words to the left, numbers to the right.

    Of more than `LONG` lines several, one after another, each under the header.
    """
    parts = [table.lines[i : i + LONG] for i in range(0, max(len(table.lines), 1), LONG)]
    return "\n\\par\\medskip\n".join(_part(table, lines) for lines in parts) + "\n"


def paragraph(words: str) -> str:
    """A paragraph of plain text."""
    return f"{escaped(words)}\n"


def _part(table: Table, lines: Sequence[Sequence[str]]) -> str:
    columns = "".join("l" if i < table.text_columns else "r" for i in range(len(table.header)))
    body = "\n".join(_line(line) for line in lines)
    return (
        # A box as wide as it is, or else as a line.
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n\\toprule\n{_line(table.header)}\n\\midrule\n"
        f"{body}\n\\bottomrule\n\\end{{tabular}}}}"
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(escaped(cell) for cell in cells) + r" \\"
