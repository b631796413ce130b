"""Findings in words, and the λ at which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis import rows
from analysis.rows import Rows
from analysis.words import counted, listed, shortened
from result_names import exact

MOST_MEASURES = 3
"""Metrics of the headline that a sentence is of."""

MOST_LAMBDAS = 4
"""λ that a sentence names one by one."""


@dataclass(frozen=True)
class Findings:
    """Findings of a study.

    Attributes:
        sentences: two at most.
        certainty: how sure that is and what would change it, a sentence each.
    """

    sentences: list[str]
    certainty: list[str]


def at(lambdas: Sequence[float], among: Sequence[float]) -> str:
    """Some of a study's λ as a sentence has them: all, by name, as one range, or counted; '' where there is one in all."""
    if len(among) < 2:
        return ""
    if len(lambdas) == len(among):
        return "at both λ" if len(among) == 2 else "at every λ"
    words = shortened(among)
    if len(lambdas) <= MOST_LAMBDAS:
        return f"at λ = {listed([words[lam] for lam in lambdas])}"
    low, high = words[lambdas[0]], words[lambdas[-1]]
    first = among.index(lambdas[0])
    if list(among[first : first + len(lambdas)]) == list(lambdas):
        return f"at the {len(lambdas)} λ from {low} to {high}"
    return f"at {len(lambdas)} of {len(among)} λ between {low} and {high}"


def over(lambdas: Sequence[float]) -> str:
    """A study's λ in words: `at λ = 1`, `at 5 λ from 0 to 10`."""
    if len(lambdas) == 1:
        return f"at λ = {exact(lambdas[0])}"
    return f"at {len(lambdas)} λ from {exact(lambdas[0])} to {exact(lambdas[-1])}"


def between(counts: Sequence[int]) -> str:
    """Several numbers of a thing: `24`, `20 to 24`."""
    least, most = min(counts), max(counts)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def units_in_words(counts: Sequence[int], noun: str) -> str:
    """Several numbers of a thing with its name: `24 configurations`, `20 to 24 configurations`."""
    return f"{between(counts)} {noun}{'' if max(counts) == 1 else 's'}"


def scope(study: Rows) -> str:
    """Sentence on what intervals over this study's units do not cover."""
    seeds = study.runs["seed"].nunique()
    if study.unit == "seed":
        return "There is one configuration: of others nothing is known."
    each = "of one seed each" if seeds == 1 else f"over whose {seeds} seeds results are averaged first"
    return (
        f"Intervals speak of configurations like these, {each}; of other levels, and of other data than this one training and test set, they "
        "say nothing."
    )


def diverged(study: Rows) -> str:
    """Sentence with the number of DIVERGED results, which count as worse than any value."""
    ended = rows.results(study.trained)
    count = rows.diverged_count(ended)
    if not count:
        return "No run DIVERGED."
    return f"{count:,} of {len(ended):,} runs DIVERGED, and {'counts' if count == 1 else 'count'} as worse than any value."


def unit_name(study: Rows) -> str:
    """Name of the units that a study's intervals are over, in the plural."""
    return "seeds" if study.unit == "seed" else "configurations"


def waits(pairs: int) -> str:
    """Words for a number of pairs that are not complete."""
    return f"{counted(pairs, 'pair')} {'waits' if pairs == 1 else 'wait'} for a side that is missing, FAILED or STOPPED"
