"""Cost of a study: device time, energy where the machine told it, and money at a price list; of each run, and of all.

    python -m analysis.costs results/toy_robustness
    python -m analysis.costs results/toy_robustness --per-hour 0.04
    python -m analysis.costs results/toy_robustness --prices prices.json --keep --csv costs.csv

A price list is JSON: {"currency": "EUR", "per_hour": {"cpu": 0.04, "cuda": 2.5}, "per_kwh": 0.3}, the price of an hour of a core and
of a GPU, and on top of a kilowatt-hour, which may be left out. --keep puts it into the study's directory, where the report finds it.
Exit codes: 0, and 2 on bad input.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import tyro

import command_output
import result_prices
from result_files import PlaceError
from result_manifest import SchemaError, read_manifest
from result_prices import Prices
from result_reading import read_runs

COLUMNS = ("run_key", "algorithm", "lam", "seed", "configuration", "budget", "device", "train_seconds", "device_share", "energy_joules")  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Say what a study cost."""

    directory: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIRECTORY")]
    """The study's results directory or URI, such as results/toy_robustness."""
    prices: Annotated[str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A price list; by default the one in the study's directory, if it has one."""
    per_hour: Annotated[float | None, tyro.conf.arg(metavar="PRICE", help_behavior_hint="")] = None
    """Price of an hour of a core, or of a GPU where runs were trained on one, in place of a list."""
    keep: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Put the price list into the study's directory."""
    csv: Annotated[str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Also write what each run cost, a line each, to this file."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = tyro.cli(Options, args=arguments, prog="python -m analysis.costs", description=__doc__)
    try:
        _main(options)
    except (SchemaError, PlaceError, ValueError, OSError, pa.ArrowException) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _main(options: Options) -> None:
    from analysis.document import markdown  # seconds, which help and bad options do without
    from analysis.spending import runs, words
    from analysis.words import naming

    manifest = read_manifest(options.directory)
    width = ["width"] if "width" in manifest.hyper_parameters else []
    rows = read_runs(options.directory, [*COLUMNS, *width]).to_pandas()
    if not len(rows):
        raise SchemaError(
            f"{options.directory} must hold at least one run, but has none; run the study first"
        )
    prices = _prices(options)
    with naming(manifest.labels):
        print(markdown.table(*words.by_system(rows, prices)))
        print(f"\n{words.HOW}\n\n{words.ALONE}")
    if options.csv:
        spent = runs.costs(rows, prices).drop(columns="device").join(runs.alone(rows))
        named = {"one": "one_at_a_time_seconds", "packed": "one_per_core_seconds"}
        rows.join(spent.rename(columns=named)).to_csv(options.csv, index=False)
    if options.keep and prices is not None:
        result_prices.keep(options.directory, prices)


def _prices(options: Options) -> Prices | None:
    """The price list that is given, or that of the directory. Raises ValueError where it is none, or two are given."""
    if options.prices is not None and options.per_hour is not None:
        raise ValueError(
            "--prices and --per-hour must not both be given; put the price of an hour into the list"
        )
    if options.per_hour is not None:
        if not (math.isfinite(options.per_hour) and options.per_hour >= 0):
            raise ValueError(f"--per-hour must be finite and >= 0, got {options.per_hour}")
        return Prices(per_hour={"cpu": options.per_hour, "cuda": options.per_hour})
    if options.prices is not None:
        return Prices.from_json(Path(options.prices).read_text(errors="replace"), options.prices)
    if (kept := result_prices.read(options.directory)) is None and options.keep:
        raise ValueError("--keep must come with --prices or --per-hour, which it keeps")
    return kept


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
