"""Docstrings of this project as reStructuredText.

A docstring is plain text: paragraphs, blocks that are indented after a blank line (equations, code), and sections, which are a line
that ends in a colon and what is indented below it (Args, Attributes, Raises, numbered departures).
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Iterator

CODE = re.compile(r"(`[^`\n]+`)")
SPECIAL = re.compile(r"([\\*_|])")
NUMBERED = re.compile(r"\d+\. .*")
ENTRY = re.compile(r"([\w.,* ]{1,60}?): (.*)")
NAMED = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Raises": "Raises",
    "Returns": "Returns",
    "Yields": "Yields",
}
"""Sections that list names, each with what is said of it -> their headings."""


def restructured(docstring: str | None) -> list[str]:
    """Lines of reStructuredText that show a docstring as it is written."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    return [line for block in blocks(lines) for line in (*rendered(block), "")]


def blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Runs of lines between blank ones; of indented runs one after the other, one."""
    runs = [list(run) for empty, run in itertools.groupby(lines, lambda line: not line.strip()) if not empty]
    while runs:
        block = runs.pop(0)
        while runs and indent(runs[0][0]) and (indent(block[0]) or heads_section(block)):
            block = [*block, "", *runs.pop(0)]
        yield block


def indent(line: str) -> int:
    """Number of spaces that a line begins with."""
    return len(line) - len(line.lstrip(" "))


def heads_section(block: list[str]) -> bool:
    """Whether its first line is that of a section, with something indented below it."""
    return len(block) > 1 and not indent(block[0]) and indent(block[1]) > 0


def rendered(block: list[str]) -> list[str]:
    """One block: a literal one, a section, or a paragraph."""
    if indent(block[0]):
        return ["::", "", *block]
    if not heads_section(block):
        return [inline(" ".join(block))]
    title, body = block[0], inspect.cleandoc("\n".join(["", *block[1:]])).splitlines()
    name = title.removesuffix(":")
    heading = f"**{inline(NAMED.get(name, name))}**" if title.endswith(":") else inline(title)
    return [heading, "", *entries(body, named=name in NAMED)]


def entries(body: list[str], named: bool) -> list[str]:
    """What is below a section's line: names with what is said of them, a list, or text."""
    found = list(gathered(body))
    if named and all(ENTRY.fullmatch(entry) for entry in found):
        pairs = [entry.partition(": ") for entry in found]
        return [line for name, _, said in pairs for line in (f"``{name}``", f"    {inline(said)}", "")]
    if all(NUMBERED.match(entry) for entry in found):
        return [line for entry in found for line in (inline(entry), "")]
    return [line for entry in found for line in (f"    {inline(entry)}", "")]


def gathered(body: list[str]) -> Iterator[str]:
    """Entries of a section, each in one line: what is further indented goes on with the entry before it."""
    entry: list[str] = []
    goes_on = any(NUMBERED.match(line) or ENTRY.match(line) for line in body)
    for line in body:
        if entry and goes_on and not indent(line) and line:
            yield " ".join(entry)
            entry = []
        entry += [line.strip()] if line.strip() else []
    if entry:
        yield " ".join(entry)


def inline(text: str) -> str:
    """A line of text: what stands between backquotes as code, all else to the letter."""
    parts = CODE.split(text)
    marked = [
        f"\\ `{part}`\\ " if number % 2 else SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts)
    ]
    return "".join(marked).strip()


def summary(docstring: str | None) -> str:
    """First paragraph of a docstring, in one line, as it is written."""
    return " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())
