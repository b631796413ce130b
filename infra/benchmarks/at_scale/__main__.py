"""`make bench-scale`: everything that is not training, from a thousand rows to a million, on this machine.

Makes studies of these sizes from docs/paper_study, a file per cohort as long as that takes no minutes, folds them, reads them, starts a study of which nothing
is left to train, and reports them; of the largest also from a stand-in for S3, where that is installed. Prints one table,
and writes it into docs/benchmarks.md with a JSON beside it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import command_output
from infra.benchmarks import measurements
from infra.benchmarks.at_scale import bucket, large_study
from infra.benchmarks.at_scale.measured import Measured, run
from infra.benchmarks.page import page, write

MARKS = ("<!-- bench-scale: start -->", "<!-- bench-scale: end -->")
SOURCE = "docs/paper_study"
STUDY = "toy_robustness"
SEED = 5_760
"""Runs of one seed of the paper's study."""

ROWS = (SEED, 10 * SEED, 200 * SEED)
MOST_COHORTS = 20_000
"""Runs up to which a file per cohort is made: as many files take minutes to write."""

READ = "import sys; from result_reading import read_runs; print(len(read_runs(sys.argv[1])))"
KEYS = "import sys; from sweeps.store.store import Store; print(len(Store(sys.argv[1]).finished()))"


@dataclass(frozen=True)
class Row:
    """One size.

    Attributes:
        rows: runs.
        files: of rows, before they were folded and after.
        measured: what was done -> how it went.
    """

    rows: int
    files: tuple[int, int]
    measured: dict[str, Measured]


COLUMNS: dict[str, Callable[[Row], str]] = {
    "rows": lambda row: f"{row.rows:,}",
    "files, folded": lambda row: f"{row.files[0]:,} → {row.files[1]:,}",
    "fold": lambda row: _seconds(row, "fold"),
    "read all rows": lambda row: _seconds(row, "read"),
    "finished keys": lambda row: _seconds(row, "keys"),
    "nothing to do, `--dry-run`": lambda row: _seconds(row, "dry run"),
    "report": lambda row: _seconds(row, "report"),
    "its memory": lambda row: (
        f"{row.measured['report'].peak / 1e9:.1f} GB" if "report" in row.measured else "–"
    ),
    "rows from S3's stand-in": lambda row: _seconds(row, "bucket"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, writes."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-scale-", dir=options.scratch) as scratch:
        rows = [measure(Path(scratch), count, options.no_report) for count in options.rows]
    machine = measurements.machine("cpu")
    text = table(rows, machine)
    print(text)
    if options.output is not None:
        record = {"machine": machine, "rows": [asdict(row) for row in rows]}
        options.output.with_name(f"{options.output.stem}-scale.json").write_text(
            json.dumps(record, indent=1) + "\n"
        )
        write(options.output, text, MARKS)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.at_scale", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help=f"sizes, multiples of {SEED:,}")
    parser.add_argument("--no-report", action="store_true", help="leave the reports out, which take longest")
    parser.add_argument("--scratch", type=Path, help="folder with room for 1 GB (default: the system's)")
    parser.add_argument(
        "--output", type=Path, help="where the table goes, such as docs/benchmarks.md (default: nowhere)"
    )
    options = parser.parse_args(arguments)
    if bad := [count for count in options.rows if count < SEED or count % SEED]:
        parser.error(f"--rows must be multiples of {SEED:,}, got {bad[0]:,}")
    if options.output is not None and any(page(options.output, MARKS).count(mark) != 1 for mark in MARKS):
        parser.error(f"--output must have the lines {MARKS[0]} and {MARKS[1]} once, got {options.output}")
    return options


def measure(scratch: Path, rows: int, no_report: bool) -> Row:
    """Makes a study of so many rows, and does everything with it."""
    results = scratch / str(rows)
    directory = results / STUDY
    large_study.make(SOURCE, directory, rows, by_cohort=rows <= MOST_COHORTS)
    before = _files(directory)
    done = {"fold": run("-m", "sweeps.store.compact", str(directory))}
    done["read"] = run("-c", READ, str(directory))
    done["keys"] = run("-c", KEYS, str(directory))
    command = (
        f"sweeps/{STUDY}.py",
        "--preset",
        "paper",
        "--seeds",
        str(rows // SEED),
        "--results",
        str(results),
    )
    done["dry run"] = run(*command, "--dry-run")
    if not no_report:
        done["report"] = run("-m", "analysis.report", str(directory), allowed=(0, 1))
    if bucket.available():
        done["bucket"] = bucket.read(directory)
    return Row(rows, (before, _files(directory)), done)


def table(rows: Sequence[Row], machine: dict[str, str | int]) -> str:
    """The measurements in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---:|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(cell(row) for cell in COLUMNS.values())} |" for row in rows]
    lines += [
        "",
        f"* Machine: {machine['processor']}, {machine['cores']} cores; commit {machine['commit']}. Seconds from a command's start to its end, "
        "Python's start in them; in brackets the processor's.",
        f"* Made from {SOURCE} with further seeds; all columns are read of rows, and in `--dry-run` every declared run's key is made anew.",
    ]
    return "\n".join(lines)


def _seconds(row: Row, what: str) -> str:
    one = row.measured.get(what)
    return f"{one.seconds:.1f} s ({one.processor:.1f})" if one else "–"


def _files(directory: Path) -> int:
    return len(list(directory.glob("runs/*.parquet")))


if __name__ == "__main__":
    command_output.lasting()
    main()
