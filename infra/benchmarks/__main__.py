"""`make bench`: the ways to train a study's runs against each other, on this machine, in one go.

Prints one table, and writes it into docs/benchmarks.md with a JSON of every repetition beside it. On a
machine with torch and numpy alone it leaves out what needs Ray.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

import command_output
from infra.benchmarks import contenders, measurements, scale, table
from infra.benchmarks.local_contenders import Rounds
from infra.benchmarks.measurements import Measurement
from infra.benchmarks.page import page, write
from infra.benchmarks.scale import Scale
from infra.benchmarks.workers import Task, Workers
from infra.benchmarks.workload import cohort
from sweeps.planning import cores

MARKS = ("<!-- bench: start -->", "<!-- bench: end -->")

WARM_UP = {"depth": 1, "width": 32, "critic_depth": 1, "steps": 1, "batch_size": 32}
"""A structure that is measured nowhere: what it leaves warm is a process, not a trace."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    options = parse(arguments)
    available = cores.available()
    chosen = scale.on_cpu(available) if options.device == "cpu" else scale.on_gpu(available)
    if options.quick:
        chosen = scale.quick(chosen)
    if options.rounds:
        chosen = replace(chosen, rounds=options.rounds)
    with_ray = options.device == "cpu" and not options.no_ray and importlib.util.find_spec("ray") is not None
    started = time.perf_counter()
    measured = measure(chosen, with_ray)
    record = {
        "machine": measurements.machine(options.device),
        "scale": asdict(chosen),
        "seconds": time.perf_counter() - started,
        "measurements": [asdict(m) for m in measured],
    }
    if options.output is not None:
        options.output.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    text = table.markdown(measured, chosen, measurements.machine(options.device), with_ray)
    print(text)
    if options.output is not None:
        write(options.output, text, MARKS)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.__main__", description=__doc__)
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="where to train (default: cpu)"
    )
    parser.add_argument(
        "--rounds", type=int, help="repetitions (default: 3; fewer on cuda if they take long)"
    )
    parser.add_argument(
        "--no-ray", action="store_true", help="leave out what needs Ray, as where it is not installed"
    )
    parser.add_argument("--quick", action="store_true", help="see in seconds whether it works")
    parser.add_argument(
        "--output",
        type=Path,
        help="where the table goes, the JSON beside it (default: docs/benchmarks.md, nowhere if --quick)",
    )
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds must be >= 1, got {options.rounds}")
    if options.output is None and not options.quick:
        options.output = Path("docs/benchmarks.md")
    if options.output is not None and not options.output.parent.is_dir():
        parser.error(f"--output must be in a folder that is there, got {options.output}")
    if options.output is not None and any(page(options.output, MARKS).count(mark) != 1 for mark in MARKS):
        parser.error(f"--output must have the lines {MARKS[0]} and {MARKS[1]} once, got {options.output}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device must be one that torch sees, got cuda; try cpu")
    return options


def measure(chosen: Scale, with_ray: bool) -> list[Measurement]:
    """Every contender: rounds of those without Ray, and between them sittings of those that need it."""
    sittings: list[Callable[[Scale], list[Measurement]]] = []
    if with_ray:
        from infra.benchmarks.ray_contenders import mix, widths

        sittings = [widths, mix]
    started = time.perf_counter()
    runs = cohort(WARM_UP, 2)
    tasks = {
        "eager": Task(contenders.eager, (runs[:1],), 2),
        "stacked": Task(contenders.stacked, (runs,), 2),
        "engine": Task(contenders.engine, (runs,), 1),
    }
    with (
        Workers(chosen.packed, chosen.device, [tasks["eager"]]) as eager,
        Workers(chosen.cohorts, chosen.device, [tasks["stacked"]]) as stacked,
        Workers(chosen.cohorts, chosen.device, [tasks["engine"]]) as engine,
    ):
        rounds = Rounds(chosen, eager, stacked, engine, engine_in_mix=not with_ray)
        measured: list[Measurement] = []
        ends = 0.0  # when the next round is expected to
        while not measured or (rounds.done < chosen.rounds and ends < chosen.seconds):
            begun = time.perf_counter()
            measured += rounds.once()
            ends = 2 * time.perf_counter() - begun - started
            if sittings:
                measured += sittings.pop(0)(chosen)
        return measured + [m for sitting in sittings for m in sitting(chosen)]


if __name__ == "__main__":
    command_output.lasting()
    main()
