"""Pages as tests read them: blocks with their marks, the commands in them, and commands in running text.

A block of commands or of Python is run by a test, as it stands and in the order of its page, unless a mark stands before it:

    <!-- not run: why -->               its options are known to the parser of its command all the same
    <!-- run with --OPTION …: why -->   with these options after each command, such as --dry-run
    <!-- run by: tests/… -->            by a test of its own
    <!-- page run by: tests/… -->       anywhere on a page: of the whole page, where a block says nothing else
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "report"),
]
SHELL = ("sh", "console")

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^:\n]+): (?P<why>.+) -->\n)?^```(?P<info>.*)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE
)
_WHOLE = re.compile(r"^<!-- page run by: (.+) -->$", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_OPERATORS = "();<>|&"


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: path of its page.
        line: its first line there.
        kind: its language, '' without one.
        text: its lines.
        mark: 'not run', 'run with --OPTION …', 'run by', or '' of one that is run as it stands.
        why: what the mark says.
    """

    page: Path
    line: int
    kind: str
    text: str
    mark: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def lines(self) -> list[str]:
        """Lines with a command, joined where one goes on."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if words(line)]


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page."""
    text = page.read_text()
    whole = _WHOLE.search(text)
    found = []
    for match in _BLOCK.finditer(text):
        mark, why = (match["mark"] or "", match["why"] or "")
        if not mark and whole:
            mark, why = "run by", whole[1]
        line = text.count("\n", 0, match.start("text")) + 1
        found.append(Block(page, line, (match["info"].split() or [""])[0], match["text"], mark, why))
    return found


def words(line: str) -> list[str]:
    """Words of a shell's line, operators among them; none of a comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace_split, lexer.commenters = True, "#"
    return list(lexer)


def commands(line: str) -> Iterator[list[str]]:
    """Words of each command of a line, without settings of the environment before it."""
    command: list[str] = []
    for word in [*words(line), ";"]:
        if set(word) <= set(_OPERATORS):
            if command:
                yield command
            command = []
        elif command or not (re.fullmatch(r"[A-Z_]+=.*", word) or word in ("do", "time", "sudo")):
            command.append(word)


def spans(page: Path) -> list[str]:
    """What stands between backquotes in running text."""
    return _SPAN.findall(_BLOCK.sub("", page.read_text()))
