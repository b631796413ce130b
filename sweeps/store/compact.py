"""Fold a study's files: the tables of many cohorts become few, sorted by run key, that are read in seconds. Rows stay as they are.

    python -m sweeps.store.compact results/toy_robustness

A study does so by itself at its end. It may be interrupted anywhere and given again, and reports may be made meanwhile; a driver
may not train. Exit codes: 0 folded, 1 the storage does not work, 2 bad input or somebody trains.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

import command_output
from result_manifest import SchemaError
from sweeps.console import command_line
from sweeps.console.errors import check_given, check_uri, refuse, remedy
from sweeps.console.masking import masked
from sweeps.store import lease
from sweeps.store.folding import fold
from sweeps.store.lease import Fenced
from sweeps.store.store import Store


@dataclass(frozen=True)
class Options:
    """Fold a study's files."""

    results: Annotated[str, tyro.conf.Positional]
    """The study's results directory or URI, such as results/toy_robustness."""


def main(options: Options) -> int:
    """Runs the command; returns its exit code."""
    try:
        check_given(options)
        check_uri("results", options.results)
        store = Store(options.results)
        _ = store.manifest  # refused before anything is written
        with lease.take(store.filesystem, store.path) as store.token:
            for folded in fold(store):
                print(f"{folded.name:<9} {folded.before:,} files, now {folded.now:,}", flush=True)
    except (SchemaError, ValueError, Fenced) as error:
        refuse(str(error))
    except OSError as error:
        print(f"error: {masked(str(error))}; what is stored is whole: {remedy(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.store.compact", __doc__ or "")))
