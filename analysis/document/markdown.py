"""Markdown: the report's words and tables. It has no figures, and of what a page folds only what is `brief`."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.document.blocks import FINDING, NOTE, Block, Code, Details, Facts, Heading, Part, Table, Text


def page(title: str, question: str, opening: Sequence[Block], parts: Sequence[Part]) -> str:
    """The whole document; a section of which nothing is printed is left out."""
    sections = [f"## {part.title}\n\n{text}" for part in parts if (text := printed(part.blocks))]
    return "\n".join(filter(None, (f"# {title}\n\n{question}\n", printed(opening), *sections)))


def printed(blocks: Sequence[Block]) -> str:
    """Blocks as Markdown, an empty line between two of them."""
    return "\n".join(filter(None, map(_block, blocks)))


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return (
        "\n".join("| " + " | ".join(value.replace("|", "\\|") for value in line) + " |" for line in rows)
        + "\n"
    )


def _block(block: Block) -> str:
    match block:
        case Text(words, kind):
            return f"- {words}\n" if kind in (FINDING, NOTE) else f"{words}\n"
        case Heading(words):
            return f"### {words}\n"
        case Table(header, lines):
            return table(header, lines)
        case Details(title, blocks, brief):
            return f"### {title}\n\n{printed(blocks)}" if brief else ""
        case Code(words):
            return f"    {words}\n"
        case Facts(facts):
            return ", ".join(f"{name}: {value}" for name, value in facts.items()) + "\n"
        case _:
            return ""
