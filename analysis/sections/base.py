"""Interface of a section of the report, and what sections of one report share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import ClassVar, NamedTuple

import pandas as pd

from analysis.comparison import contests, families, trade_off
from analysis.comparison.contests import Standings
from analysis.comparison.families import Comparison
from analysis.comparison.trade_off import Claim
from analysis.comparison.verdicts import Family
from analysis.document.blocks import Block
from analysis.document.style import Colours, colours
from analysis.fragility import results
from analysis.fragility.results import Results
from analysis.rows import Rows
from analysis.sections._exemplars import Chosen, choose
from analysis.statistics.summary import summarise
from analysis.vocabulary import Measure
from analysis.words import capital, listed

MOST_SYSTEMS = 6
"""Figures in which systems lie on each other are drawn of at most so many."""

MOST_LAMBDAS = 5
"""Figures with a panel per λ show at most so many, evenly chosen; every table but the marginal one has all."""


class Report:
    """The rows that a report is of, and statistics of them that several sections read, each computed once.

    Attributes:
        study: the rows.
    """

    def __init__(self, study: Rows) -> None:
        self.study = study

    def prepare(self) -> None:
        """Computes all of them now, for processes that begin as copies of this one; an error is left to the sections that read it."""
        for name, attribute in vars(Report).items():
            if isinstance(attribute, cached_property):
                with suppress(Exception):
                    getattr(self, name)

    @cached_property
    def shown(self) -> list[float]:
        """λ that have a panel or a figure of their own."""
        return spread(self.study.lambdas, MOST_LAMBDAS)

    @cached_property
    def few(self) -> bool:
        """Whether all systems can be drawn on each other."""
        return len(self.study.algorithms) <= MOST_SYSTEMS

    @cached_property
    def colours(self) -> Colours:
        """Algorithm -> colour."""
        return colours(self.study.algorithms, self.study.manifest.colours)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per algorithm and λ (`summary.summarise`)."""
        return summarise(self.study)

    @cached_property
    def family(self) -> Family:
        """All comparisons that the report judges."""
        return families.family_of(self.study)

    @cached_property
    def comparison(self) -> Comparison | None:
        """Paired results of the two systems that are compared at length; None where there are no such two."""
        return families.compare_study(self.study, self.family)

    @cached_property
    def claim(self) -> Claim | None:
        """The claim about these two systems; None where there are none, or too few λ."""
        if self.comparison is None or not trade_off.enough(self.study):
            return None
        pairs = self.comparison.pairs
        if not trade_off.claims(self.study, (pairs.first, pairs.second)):
            return None
        return trade_off.claim(self.study, pairs.first, pairs.second, self.family)

    @cached_property
    def standings(self) -> Standings:
        """Ranks of the systems, and verdicts on all of their pairs."""
        return contests.compute(self.study)

    @cached_property
    def exemplars(self) -> Chosen | None:
        """Runs that are shown; None where the rows have no metric."""
        return choose(self.study)

    @cached_property
    def fragility(self) -> Results:
        """Fragility of the systems, with profiles where they can be drawn."""
        return results.compute(self.study, self.few)


class Section(ABC):
    """One part of the report. Final subclasses, one in a file, set the attributes and are found.

    Attributes:
        name: one of its own, for messages.
        order: sections stand in ascending order; those of the project are at multiples of ten.
        title: its heading.
    """

    name: ClassVar[str]
    order: ClassVar[int]
    title: ClassVar[str]

    def heading(self, report: Report) -> str:
        """The title, where it depends on the rows."""
        return self.title

    def opening(self, report: Report) -> Iterable[Block]:
        """Blocks at the top of the report, such as the finding in one sentence."""
        return ()

    @abstractmethod
    def blocks(self, report: Report) -> Iterator[Block]:
        """The section's blocks; none where it does not apply to these rows, which leaves it out."""


def spread(values: list[float], limit: int) -> list[float]:
    """At most `limit` of ascending values, the first and the last among them, evenly by position."""
    if len(values) <= limit:
        return list(values)
    return [values[round(i * (len(values) - 1) / (limit - 1))] for i in range(limit)]


class Page(NamedTuple):
    """One of several figures that a long one is split into.

    Attributes:
        suffix: of its file's name; the first one has none.
        words: of its caption, where there are several.
    """

    suffix: str = ""
    words: str = ""


def pages(names: Sequence[str], most: int) -> Iterator[tuple[Page, list[str]]]:
    """At most so many names on a page, as many on each as evenly as can be."""
    count = -(-len(names) // most)
    for n in range(count):
        words = f" Page {n + 1} of {count}." if count > 1 else ""
        part = names[n * len(names) // count : (n + 1) * len(names) // count]
        yield Page(f"_page_{n + 1}" if n else "", words), list(part)


def crowded(study: Rows) -> str:
    """Words in place of a figure in which systems would hide one another."""
    return f"Not drawn: {len(study.algorithms)} systems would hide one another; the figure is of at most {MOST_SYSTEMS}."


def better(measures: Sequence[Measure]) -> str:
    """A sentence on which values of metrics are better, for a caption: `Lower MSE and higher inception score are better.`"""
    words = [f"{'higher' if m.better > 0 else 'lower'} {m.name}" for m in measures]
    return f"{capital(listed(words))} {'is' if len(words) == 1 else 'are'} better." if words else ""
