"""The page that benchmarks write their tables into, each between marks of its own."""

from __future__ import annotations

from pathlib import Path


def page(output: Path, marks: tuple[str, str]) -> str:
    """The page that holds a table, or a new one."""
    return output.read_text() if output.exists() else f"# Benchmarks\n\n{marks[0]}\n{marks[1]}\n"


def write(output: Path, text: str, marks: tuple[str, str]) -> None:
    """Puts a table between its marks.

    Raises:
        ValueError: the page has not each of them once.
    """
    whole = page(output, marks)
    if any(whole.count(mark) != 1 for mark in marks):
        raise ValueError(f"{output} must have the lines {marks[0]} and {marks[1]} once; put them there")
    before, rest = whole.split(marks[0])
    output.write_text(f"{before}{marks[0]}\n{text}\n{marks[1]}{rest.split(marks[1])[1]}")
