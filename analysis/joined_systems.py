"""The table of all systems over several studies."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.likelihoods import ELBO
from analysis.measures import INCEPTION, MSE
from analysis.rows import Rows
from analysis.systems_section import cells_of

MEASURES = (INCEPTION, MSE, ELBO)
"""Columns for each study, beside how many runs DIVERGED."""


def joined(studies: Sequence[Rows]) -> tuple[list[str], list[list[str]]]:
    """Header and one line per λ and system of any study, in the order of the first study that has it; dashes elsewhere."""
    header: list[str] = ["λ", "system"]
    tables = []
    for study in studies:
        own, lines = cells_of(study, MEASURES)
        header += [f"{study.manifest.study}: {name}" for name in own[2:]]
        tables.append((len(own) - 2, {(line[0], line[1]): line[2:] for line in lines}))
    keys = dict.fromkeys(key for _, table in tables for key in table)
    blank = "–"
    return header, [
        [*key, *(cell for wide, table in tables for cell in table.get(key, [blank] * wide))] for key in keys
    ]
