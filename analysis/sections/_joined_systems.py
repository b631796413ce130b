"""The table of all systems over several studies."""

from __future__ import annotations

from collections.abc import Sequence

from analysis import versions
from analysis.document.blocks import Cells
from analysis.rows import Rows
from analysis.sections.all_systems import cells_of
from analysis.statistics.means import NATS
from analysis.words import label


def joined(studies: Sequence[Rows]) -> Cells:
    """Header and one line per λ and system of any study, in the order of the first study that has it; dashes elsewhere.

    Columns of each study are its headline metrics and those in nats, beside how many runs DIVERGED.
    """
    header: list[str] = ["λ", "system"]
    tables = []
    for study in studies:
        likelihoods = [m for m in study.measures if m.unit == NATS and m not in study.headline]
        own, lines = cells_of(study, (*study.leading, *likelihoods))
        header += [f"{study.manifest.study}: {name}" for name in own[2:]]
        tables.append((len(own) - 2, {(line[0], line[1]): line[2:] for line in lines}))
    keys = dict.fromkeys(key for _, table in tables for key in table)
    blank = "–"
    return header, [
        [*key, *(cell for wide, table in tables for cell in table.get(key, [blank] * wide))] for key in keys
    ]


def notes(studies: Sequence[Rows]) -> list[str]:
    """Rows that each study leaves out, and systems of which two studies have different versions: one sentence each."""
    said = [
        f"{study.manifest.study}: {text}" for study in studies for text in versions.left_out(study.superseded)
    ]
    trained = {study.manifest.study: versions.trained(study.runs) for study in studies}
    for system in dict.fromkeys(system for study in studies for system in study.algorithms):
        where = {study: own[system] for study, own in trained.items() if system in own}
        if len(set(where.values())) > 1:
            words = ", ".join(f"version {version} in {study}" for study, version in where.items())
            said.append(f"{label(system)} is of {words}: its loss has changed between them.")
    return said
