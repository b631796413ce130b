"""The report of a study, from its stored rows alone.

    python -m analysis.report results/toy_robustness

Writes `report/` in that directory: `report.html` (one file, nothing outside it), `summary.csv`, `summary.md`, and
every figure as PNG and SVG. Works while a study is still running: it reports what is there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

import command_output
import result_digests
from result_files import ForeignFolderError, PlaceError
from result_manifest import SchemaError


@dataclass(frozen=True)
class Options:
    """Rebuild a study's report from its stored rows."""

    directory: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY")]
    """The study's results directory, such as results/toy_robustness, or a URI such as s3://bucket/toy_robustness."""
    iterations: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Report the rows of this budget. Default: the budget with most rows."""
    sampler: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Report the rows that this sampler proposed, as the report names it. Default: the sampler with most rows."""
    processes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Make sections in so many processes at once; the report is the same. Default: as many as cores, at most 4."""


def main(arguments: list[str] | None = None) -> int:
    """Builds and writes a report.

    Returns:
        0; 1 and a line on stderr for each section that raised, in a report that has all others; 2 and one line on stderr where
        nothing is written, since the rows, the directory or a section that cannot be imported do not allow it.
    """
    options = tyro.cli(Options, args=arguments, prog="python -m analysis.report")
    from analysis import contents, rows  # seconds, which help and bad options do without
    from analysis.document import files
    from analysis.statistics.processes import usual

    try:
        inputs = result_digests.report_inputs(options.directory, options.iterations, options.sampler)
        study = rows.load(options.directory, options.iterations, options.sampler)
        built = contents.build(study, options.processes or usual())
        target = files.write_report(options.directory, built.files)
        if not built.failures:
            result_digests.record_report(options.directory, inputs)
    except (SchemaError, PlaceError, ForeignFolderError, contents.SectionsError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(files.unwritable(options.directory, files.REPORT, error), file=sys.stderr)
        return 2
    for failure in built.failures:
        print(failure, file=sys.stderr)
    print(f"{target}/report.html")
    return 1 if built.failures else 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
