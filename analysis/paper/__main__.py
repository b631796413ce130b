"""A study's tables, figures and words for a paper, from its stored rows alone.

    python -m analysis.paper results/toy_robustness

Writes `paper/` in that directory: every table of the report as LaTeX (booktabs) and CSV, every figure as PDF in column widths,
the reproducibility statement, `paper.tex` that includes them all, and the whole report as `report.pdf`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

import command_output
from result_files import ForeignFolderError, PlaceError, open_directory, own_folder, write
from result_manifest import SchemaError

FOLDER = "paper"


@dataclass(frozen=True)
class Options:
    """Write a study's tables, figures and words for a paper."""

    directory: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY")]
    """The study's results directory, such as results/toy_robustness, or a URI such as s3://bucket/toy_robustness."""
    iterations: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Rows of this budget. Default: the budget with most rows."""
    sampler: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Rows that this sampler proposed, as the report names it. Default: the sampler with most rows."""
    column: Annotated[float, tyro.conf.arg(metavar="INCHES")] = 3.25
    """Width of a column, for figures of one panel."""
    page: Annotated[float, tyro.conf.arg(metavar="INCHES")] = 6.75
    """Width of the text, for all other figures."""
    processes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Make sections in so many processes at once; the files are the same. Default: as many as cores, at most 4."""


def main(arguments: list[str] | None = None) -> int:
    """Builds and writes the files.

    Returns:
        0; 1 and a line on stderr for each section that raised; 2 and one line on stderr where nothing is written.
    """
    options = tyro.cli(Options, args=arguments, prog="python -m analysis.paper")
    try:
        import pypdf  # noqa: F401
        import typst  # noqa: F401
        from pylatexenc import latexencode  # noqa: F401
    except ImportError as error:
        print(f"python -m analysis.paper needs the package {error.name}, which is not installed; pip install "
              "'generative-robustness[paper]', or make paper", file=sys.stderr)  # fmt: skip
        return 2
    if min(options.column, options.page) <= 0:
        print(
            f"--column and --page must be > 0 inches, got {options.column} and {options.page}",
            file=sys.stderr,
        )
        return 2
    from analysis import contents, rows
    from analysis.document.files import unwritable
    from analysis.paper import exports
    from analysis.statistics.processes import usual

    try:
        study = rows.load(options.directory, options.iterations, options.sampler)
        made = exports.build(study, options.column, options.page, options.processes or usual())
        filesystem, path = open_directory(options.directory)
        target = own_folder(filesystem, path, FOLDER)
        for folder in ("tables", "figures"):
            filesystem.create_dir(f"{target}/{folder}")
            filesystem.delete_dir_contents(f"{target}/{folder}")
        for name, data in made.files.items():
            write(filesystem, f"{target}/{name}", data)
    except (SchemaError, PlaceError, ForeignFolderError, contents.SectionsError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(unwritable(options.directory, FOLDER, error), file=sys.stderr)
        return 2
    for failure in made.failures:
        print(failure, file=sys.stderr)
    print(target)
    return 1 if made.failures else 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
