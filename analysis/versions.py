"""Versions of systems and of data: a report has the newest of each that is stored, and says which rows it leaves out.

A system whose loss has changed is another system, and so are systems on data that have changed: no statistic is of two
versions. The older rows stay stored, with the commit that they were trained at.

All data versions of a directory are versions of one data set, since a study on another one has a directory of its own. The
newest is that of the highest number in its name (digits-binary-v10 comes after digits-binary-v9): unlike the times of the
rows, it does not depend on clocks, nor on who trained an old commit last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis.words import counted, label
from result_schema import VERSION


@dataclass(frozen=True)
class Superseded:
    """Rows of earlier versions.

    Attributes:
        objectives: (algorithm, version) -> number of rows.
        data: data version -> number of rows.
    """

    objectives: Mapping[tuple[str, int], int] = field(default_factory=dict)
    data: Mapping[str, int] = field(default_factory=dict)


def newest(runs: pd.DataFrame) -> tuple[pd.DataFrame, Superseded]:
    """The rows on the newest data, of each system those of its newest version there; and what that leaves out.

    Args:
        runs: rows of any system and outcome, at least one.
    """
    current = runs["data_version"] == max(runs["data_version"].unique(), key=_natural)
    data = runs[~current]["data_version"].value_counts()
    runs = runs[current]
    current = runs[VERSION] == runs.groupby("algorithm")[VERSION].transform("max")
    objectives = runs[~current][["algorithm", VERSION]].value_counts()
    found = {(str(algorithm), int(version)): int(n) for (algorithm, version), n in objectives.items()}
    return runs[current], Superseded(
        dict(sorted(found.items())), {str(name): int(n) for name, n in data.items()}
    )


def trained(runs: pd.DataFrame) -> dict[str, int]:
    """Algorithm -> version of its rows, where they are of one."""
    return {str(name): int(version) for name, version in runs.groupby("algorithm")[VERSION].max().items()}


def left_out(superseded: Superseded) -> list[str]:
    """One sentence for each version that is left out."""
    return [
        f"{counted(count, 'run')} of {label(algorithm)}, version {version}, left out but still stored: its loss has changed since."
        for (algorithm, version), count in superseded.objectives.items()
    ] + [
        f"{counted(count, 'run')} on {version} left out but still stored: the data have changed since."
        for version, count in superseded.data.items()
    ]


def _natural(version: str) -> list[str | int]:
    """Orders names by their numbers, where they differ in these."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)]
