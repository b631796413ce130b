"""Two studies beside each other: which runs are the same, which differ and in what, and what changed around them.

    python -m analysis.compare results/before results/after
    python -m analysis.compare results/toy_robustness --first budget=400 --second budget=1600
    python -m analysis.compare results/a results/b --first git_commit=30ab* --tolerance 1e-6

Runs are matched by what their keys are made of; where the two sides have no budget, no version of the data or none of the
objectives in common, by all else. Exit codes are diff's: 0 the same runs with the same results, 1 not so, 2 bad input.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import pyarrow as pa
import tyro

import command_output
from result_files import PlaceError
from result_manifest import SchemaError

if TYPE_CHECKING:
    from analysis.compare.cells import Cells
    from analysis.compare.matching import Match

_CONDITION = tyro.conf.arg(metavar="COLUMN=VALUE ...", help_behavior_hint="")


@dataclass(frozen=True)
class Options:
    """Compare two sets of stored runs; exit code 0 if they are equal, 1 if they differ, 2 on bad input."""

    directories: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="A [B]", help_behavior_hint="")
    ]
    """Results directories or URIs; of one alone two parts are compared, by --first and --second."""
    first: Annotated[tuple[str, ...], _CONDITION] = ()
    """Rows of the first side alone: their value of a column, or of a version that they say, such as budget=1600, device=cuda, torch=2.13* or instructions=*AVX2*."""
    second: Annotated[tuple[str, ...], _CONDITION] = ()
    """Rows of the second side alone."""
    across: Annotated[tuple[str, ...], tyro.conf.arg(metavar="COLUMN ...", help_behavior_hint="")] = ()
    """Columns in which matched runs may differ: study, algorithm, lam, seed, budget, …; budgets and versions need no telling where the sides have none in common."""
    tolerance: float = 0.0
    """Count numbers as equal that differ by this much of the larger one at most; 0: to the bit."""
    metrics: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...", help_behavior_hint="")] = ()
    """Metrics to compare; all by default."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the comparison as JSON."""
    csv: Annotated[str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Also write every cell that differs, a line each, to this file."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = tyro.cli(Options, args=arguments, prog="python -m analysis.compare", description=__doc__)
    try:
        return _main(options)
    except (SchemaError, PlaceError, ValueError, OSError, pa.ArrowException) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _main(options: Options) -> int:
    from analysis.compare import page, sides, studies  # seconds, which help and bad options do without

    check(options)
    first = sides.Side.of(options.directories[0], options.first)
    second = sides.Side.of(options.directories[-1], options.second)
    shared = (options.across, options.tolerance, options.metrics)
    if options.csv is None:
        found = studies.compare(first, second, *shared)
    else:
        with Path(options.csv).open("w", newline="") as stream:
            found = studies.compare(first, second, *shared, each=Cellwise(stream).write)
    if options.json:
        print(json.dumps(page.plain(found), indent=1, ensure_ascii=False))
    else:
        print("\n".join(page.lines(found)))
    return 0 if found.equal else 1


def check(options: Options) -> None:
    """Raises ValueError where the options do not say two sides, or a tolerance is none."""
    if len(options.directories) not in (1, 2):
        raise ValueError(
            f"one or two directories must be given, got {len(options.directories)}; name two studies, or parts of one"
        )
    if len(options.directories) == 1 and not (options.first and options.second):
        raise ValueError(f"two parts of {options.directories[0]} must be told by --first and --second, such as "
                         "--first budget=400 --second budget=1600; or name a second directory")  # fmt: skip
    if not (math.isfinite(options.tolerance) and 0 <= options.tolerance < 1):
        raise ValueError(f"--tolerance must be >= 0 and < 1, got {options.tolerance}")


class Cellwise:
    """Writes every cell that differs as a line of CSV."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = csv.writer(stream)
        self._lines.writerow(["first_run_key", "second_run_key", "run", "column", "first", "second"])

    def write(self, cells: Cells, match: Match) -> None:
        """Writes those of one column."""
        from analysis.compare.studies import name_at

        keys = match.first["run_key"], match.second["run_key"]
        for place in map(int, cells.beyond.nonzero()[0]):
            values = [_text(side[place].as_py()) for side in (cells.first, cells.second)]
            self._lines.writerow(
                [*(str(key[place]) for key in keys), name_at(match, place), cells.name, *values]
            )


def _text(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
