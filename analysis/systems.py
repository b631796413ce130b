"""One table of all systems over several studies, such as the model zoo on the toy data and on digits.

python -m analysis.systems results/model_zoo results/model_zoo-digits
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

import command_output
from result_files import PlaceError
from result_manifest import SchemaError


@dataclass(frozen=True)
class Options:
    """Print one Markdown table of all systems over several studies."""

    directories: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY ...")]
    """Results directories or URIs."""


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; 0, or 2 and one line on stderr where a directory has no rows."""
    options = tyro.cli(Options, args=arguments, prog="python -m analysis.systems")
    from analysis import rows  # seconds, which help and bad options do without
    from analysis.document import markdown
    from analysis.sections._joined_systems import joined, notes
    from analysis.words import naming

    try:
        studies = [rows.load(directory) for directory in options.directories]
    except (SchemaError, PlaceError) as error:
        print(error, file=sys.stderr)
        return 2
    with naming({name: label for study in studies for name, label in study.manifest.labels.items()}):
        print(markdown.table(*joined(studies)))
        for text in notes(studies):
            print(f"\n{text}")
    return 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
