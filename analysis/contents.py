"""Contents of a report: its sections, found and not listed, printed as a page and as Markdown."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import analysis.sections
import part_registry
from analysis.document import html, markdown
from analysis.document.blocks import NOTE, Block, Drawing, File, Part, Text, flat
from analysis.document.files import rendered
from analysis.rows import Rows
from analysis.sections.base import Report, Section
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


def build(study: Rows) -> Contents:
    """A report's files. Raises SectionsError as `found` does."""
    sections = found(study.manifest.sections)
    with naming(study.manifest.labels):
        report = Report(study)
        opening: list[Block] = []
        parts: list[Part] = []
        failures: list[str] = []
        names: set[str] = set()
        for section in sections:
            try:
                part = made(section, report)
                _claim(part, names)
                opening += [rendered(block) for block in section.opening(report)]
            except Exception as error:  # the other sections must not be lost
                failures.append(failure(section, error))
                part = Part(section.title, [Text(failures[-1], NOTE)])
            if part.blocks:
                parts.append(part)
        return Contents(_files(study, opening, parts), failures)


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
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"The section {section.name} ({kind.__module__}:{kind.__name__}) could not be made: {reason} (line {last.lineno} of {Path(last.filename).name})"
