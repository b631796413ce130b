"""How far a study is, on any machine that sees its results: done, in training, failed, rate, time left, last error.

    python -m sweeps.status results/toy_robustness
    python -m sweeps.status s3://bucket/results/toy_robustness --follow

It reads the directory alone, and writes nothing. Exit codes: 0, and with --follow 1 where the study ended unfinished; 2 bad input.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa
import tyro

import command_output
from result_manifest import SchemaError
from sweeps.console import command_line
from sweeps.console.errors import check_given, check_uri, one_line
from sweeps.status import reading, words
from sweeps.status.reading import State, Status

FOLLOW_SECONDS = 5.0
"""Seconds from one look to the next."""


@dataclass(frozen=True)
class Options:
    """Say how far a study is, from its directory alone."""

    results: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY")]
    """The study's results directory or URI, such as results/toy_robustness."""
    follow: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Look again and again, a line each, until no driver is at work."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON; with --follow a line of it at each look."""


def main(options: Options) -> int:
    """Runs the command; returns its exit code."""
    try:
        check_given(options)
        check_uri("DIRECTORY", options.results)
        status = _follow(options) if options.follow else reading.read(options.results)
    except (SchemaError, ValueError, OSError, pa.ArrowException) as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    _show(status, options)
    return 1 if options.follow and status.state in (State.UNFINISHED, State.LOST) else 0


def _follow(options: Options) -> Status:
    watched = reading.Watched(options.results)
    while (status := watched.look()).running:
        print(json.dumps(words.plain(status)) if options.json else words.short(status), flush=True)
        time.sleep(FOLLOW_SECONDS)
    return status


def _show(status: Status, options: Options) -> None:
    if options.json:
        print(json.dumps(words.plain(status), indent=None if options.follow else 1, ensure_ascii=False))
    else:
        print("\n".join(words.lines(status)))


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.status", __doc__ or "")))
