"""One table of all systems over several studies, such as the model zoo on the toy data and on digits.

python -m analysis.systems results/model_zoo results/model_zoo-digits
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from analysis import page, rows
from analysis.likelihoods import ELBO
from analysis.measures import INCEPTION, MSE
from analysis.rows import Rows
from analysis.systems_section import cells_of
from result_files import PlaceError
from result_schema import SchemaError

MEASURES = (INCEPTION, MSE, ELBO)
"""Columns for each study, beside how many runs DIVERGED."""


@dataclass(frozen=True)
class Options:
    """Print one Markdown table of all systems over several studies."""

    directories: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY")]
    """Results directories or URIs."""


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


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; 0, or 2 and one line on stderr where a directory has no rows."""
    options = tyro.cli(Options, args=arguments, prog="python -m analysis.systems")
    try:
        studies = [rows.load(directory) for directory in options.directories]
    except (SchemaError, PlaceError) as error:
        print(error, file=sys.stderr)
        return 2
    print(page.markdown_table(*joined(studies)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
