"""Contents of a report: its sections, found and not listed, printed as a page and as Markdown."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from threadpoolctl import threadpool_limits

import analysis.sections
import part_registry
from analysis.document import html, markdown
from analysis.document.blocks import NOTE, Block, Drawing, File, Part, Text, flat
from analysis.document.files import rendered
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.statistics.processes import at_most, attempted
from analysis.words import naming


@dataclass(frozen=True)
class Contents:
    """Files of a report.

    Attributes:
        files: name -> content; `report.html` last, so that it never points ahead of its figures.
        failures: one line for each section that could not be made.
    """

    files: dict[str, bytes]
    failures: list[str] = field(default_factory=list)


class SectionsError(ValueError):
    """The sections of a report cannot be told; the message says the rule and the remedy."""


def found(paths: Iterable[str] = ()) -> list[Section]:
    """Sections of this project, of installed packages and those at import paths, in the order of a report.

    Raises:
        SectionsError: one cannot be imported or is no section, or two have one name.
    """
    try:
        sections = part_registry.contributed(
            "analysis.sections", "sections", analysis.sections.__path__, Section
        )
        for path in paths:
            own = part_registry.imported(path, Section)()
            if type(sections.setdefault(own.name, own)) is not type(own):
                raise ValueError(
                    f"sections must have names of their own, got {own.name!r} of {path} too; rename it"
                )
    except ValueError as error:
        raise SectionsError(str(error)) from error
    return sorted(sections.values(), key=lambda one: (one.order, one.name))


@dataclass(frozen=True)
class Attempt:
    """One section as far as it could be made.

    Attributes:
        part: its blocks, or the words of its failure.
        opening: its blocks at the top of the report.
        failure: in one line; '' where there is none.
    """

    part: Part
    opening: list[Block] = field(default_factory=list)
    failure: str = ""


Making: TypeAlias = Callable[[Section, Report], Attempt]


def build(study: Rows, processes: int = 1) -> Contents:
    """A report's files, of which sections are made in so many processes at once. Raises SectionsError as `found` does."""
    sections = attempts(study, processes)
    opening = [block for section in sections for block in section.opening]
    parts = [section.part for section in sections if section.part.blocks]
    return Contents(_files(study, opening, parts), failures(sections))


def attempt(section: Section, report: Report) -> Attempt:
    """A section and its opening with their figures drawn."""
    part = made(section, report)
    return Attempt(part, [rendered(block) for block in section.opening(report)])


def attempts(study: Rows, processes: int = 1, make: Making = attempt) -> list[Attempt]:
    """Every section as far as it could be made, in the order of a report.

    Args:
        study: the rows.
        processes: sections that are made at once.
        make: makes one; what it raises is that section's failure. Default: `attempt`.

    Raises:
        SectionsError: as `found`.
    """
    sections = found(study.manifest.sections)
    # Sums of several threads differ in their last digits, and processes have the cores already.
    with naming(study.manifest.labels), at_most(processes), threadpool_limits(1):
        report = Report(study)
        if processes > 1:
            report.prepare()
        results = attempted([partial(_tried, make, section, report) for section in sections])
    names: set[str] = set()
    told: list[Attempt] = []
    for section, result in zip(sections, results, strict=True):
        try:
            if isinstance(result, Exception):
                raise result
            _claim(result.part, names)
            told.append(result)
        except Exception as error:
            told.append(_failed(section, error))
    return told


def failures(sections: Sequence[Attempt]) -> list[str]:
    """One line for each section that could not be made."""
    return [section.failure for section in sections if section.failure]


def _tried(make: Making, section: Section, report: Report) -> Attempt:
    """A section, or how it failed, told where its traceback is: the others must not be lost."""
    try:
        return make(section, report)
    except Exception as error:
        return _failed(section, error)


def _failed(section: Section, error: Exception) -> Attempt:
    words = failure(section, error)
    return Attempt(Part(section.title, [Text(words, NOTE)]), failure=words)


def made(section: Section, report: Report) -> Part:
    """One section with its figures drawn."""
    blocks = [rendered(block) for block in section.blocks(report)]
    return Part(section.heading(report) if blocks else section.title, blocks)


def _claim(part: Part, names: set[str]) -> None:
    """Adds a part's figures to names. Raises ValueError where one is taken: its files would be overwritten."""
    own = {block.name for block in flat(part.blocks) if isinstance(block, Drawing)}
    if taken := own & names:
        raise ValueError(f"a figure must have a name of its own in a report, got {', '.join(sorted(taken))}")
    names |= own


def _files(study: Rows, opening: Sequence[Block], parts: Sequence[Part]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for block in flat([*opening, *(block for part in parts for block in part.blocks)]):
        if isinstance(block, File):
            files[block.name] = block.data
        elif isinstance(block, Drawing):
            files |= {f"{block.name}.png": block.png, f"{block.name}.svg": block.svg}
    for name, printer in (("summary.md", markdown.page), ("report.html", html.page)):
        files[name] = printer(study.manifest.study, study.manifest.question, opening, parts).encode()
    return files


def failure(section: Section, error: Exception) -> str:
    """Name of a section that failed, with reason and place, in one line."""
    kind, reason = type(section), " ".join(f"{type(error).__name__}: {error}".split())
    place = [
        f" (line {last.lineno} of {Path(last.filename).name})"
        for last in traceback.extract_tb(error.__traceback__)
    ]
    return f"The section {section.name} ({kind.__module__}:{kind.__name__}) could not be made: {reason}{''.join(place[-1:])}"
