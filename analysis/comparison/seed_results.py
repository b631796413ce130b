"""Components of variance of a study: of every system and of the systems that papers compare, at each λ and over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.comparison.families import judged_measures
from analysis.comparison.paired import published_pairs
from analysis.importance.components import Components, components
from analysis.rows import Rows
from analysis.statistics.blocks import KEY, gains
from analysis.vocabulary import Measure

Subject = tuple[str, ...]
"""One algorithm, or two of which the first − the second is taken."""


@dataclass(frozen=True)
class Decomposed:
    """Components of one measure, on its scale.

    Attributes:
        subject: of what.
        lam: at which λ; None over all of them, of the configurations and seeds that every λ has.
        left_out: configurations and seeds with a DIVERGED run or an infinite value, which has no variance.
    """

    subject: Subject
    measure: Measure
    lam: float | None
    left_out: int
    found: Components


def obstacle(study: Rows) -> str:
    """Why nothing can be decomposed, in words; empty where something can."""
    if study.manifest.searched:
        return "a sampler chose the configurations, so that they are no sample of the space"
    if study.runs["configuration_key"].nunique() < 2:
        return "the study has one configuration: all that differs within a system at one λ is seeds’"
    if study.runs["seed"].nunique() < 2:
        return (
            "with one seed, what seeds do and what configurations do cannot be told apart; give the study’s command again with "
            "--seeds 2, which trains the second seed and keeps the first"
        )
    return ""


def decompose(study: Rows) -> list[Decomposed]:
    """By measure, subject and λ, all λ last; nothing of what has no two configurations, or none with two seeds."""
    return [] if obstacle(study) else [one for m in judged_measures(study) for one in _decomposed(study, m)]


def _decomposed(study: Rows, measure: Measure) -> Iterator[Decomposed]:
    sides = gains(study, measure)
    subjects: list[Subject] = [(name,) for name in sides]
    subjects += [pair for pair in published_pairs(study) if set(pair) <= sides.keys()]
    for subject in subjects:
        lambdas = sorted(set.intersection(*(set(sides[name]) for name in subject)))
        if study.level.issuperset(subject):  # the same at every λ
            lambdas = lambdas[:1]
        values = {lam: _values([sides[name][lam] for name in subject]) for lam in lambdas}
        places: list[tuple[float | None, pd.DataFrame]] = [(lam, values[lam].to_frame()) for lam in lambdas]
        if len(lambdas) > 1:
            places.append((None, pd.concat(values, axis=1, join="inner")))
        for lam, table in places:
            kept = table[np.isfinite(table).all(axis=1)].sort_index()
            found = components(kept.to_numpy(float), kept.index.get_level_values(KEY[0]))
            if found is not None:
                yield Decomposed(subject, measure, lam, len(table) - len(kept), found)


def _values(sides: list[pd.Series]) -> pd.Series:
    """One system's results, or the differences of two; not finite where one is not."""
    if len(sides) == 1:
        return sides[0]
    first, second = sides[0].align(sides[1], join="inner")
    with np.errstate(invalid="ignore"):
        return pd.Series(first.to_numpy(float) - second.to_numpy(float), first.index)
