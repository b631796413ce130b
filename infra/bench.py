"""`make bench`: the same runs by plain Ray Tune, by Ray Tune at its best, and by this project.

Prints one table, and writes it to docs/benchmarks.md with a JSON beside it. The three take turns on the
same machine in one go; what counts is their ratio.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import tyro
from rich.console import Console

from infra import plain
from result_schema import read_runs
from sweeps import execution, planning, provenance
from sweeps.cluster import Slots, connect
from sweeps.store import Store
from sweeps.toy_robustness import STUDY
from trainables import cost
from trainables.runs import Run

STRUCTURES = tuple(
    {"width": width, "depth": depth, "critic_depth": critic_depth, "steps": steps, "batch_size": batch_size}
    for width in (32, 64, 128)
    for depth, critic_depth, steps, batch_size in ((2, 3, 5, 64), (3, 2, 1, 128), (2, 2, 5, 128))
)
"""Three structures per width; every level of every structural hyper-parameter is among them."""

REUSED, PLAIN = 3, 7
"""One in so many runs is trained by the baselines, which pay by the run; the project trains all, as a study does."""


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    iterations: int = 300
    """Iterations per run; the embedded budget."""
    output: Path = Path("docs/benchmarks.md")
    """Where the table goes; the JSON goes beside it."""


def subset(iterations: int) -> list[Run]:
    """216 runs of the study: every fusible choice and both algorithms, for each of STRUCTURES."""
    preset = STUDY.preset("embedded", iterations=iterations)
    wanted = [tuple(sorted(structure.items())) for structure in STRUCTURES]
    return [
        run
        for run in STUDY.runs(preset)
        if tuple(sorted((name, getattr(run.configuration, name)) for name in STRUCTURES[0])) in wanted
    ]


def plain_tune(runs: list[Run], reuse_actors: bool) -> float:
    """Wall seconds of the runs as one Tune trial each."""
    from ray import tune

    space = [
        {
            "algorithm": r.algorithm,
            "lam": r.lam,
            "seed": r.seed,
            "iterations": r.budget,
            **asdict(r.configuration),
        }
        for r in runs
    ]
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        grid = tune.Tuner(
            lambda config: plain.train(config["run"]),
            param_space={"run": tune.grid_search(space)},
            tune_config=tune.TuneConfig(reuse_actors=reuse_actors),
            run_config=tune.RunConfig(storage_path=directory, verbose=0),
        ).fit()
        seconds = time.perf_counter() - started
    if grid.errors or len(grid) != len(runs):
        raise RuntimeError(f"the baseline must finish {len(runs)} runs, got {len(grid) - grid.num_errors}")
    return seconds


def project(runs: list[Run], slots: Slots) -> tuple[float, float]:
    """Wall seconds of the runs as this project's cohorts, rows included; and the share that is not training."""
    with tempfile.TemporaryDirectory() as directory:
        store = Store(f"{directory}/{STUDY.name}")
        store.create(STUDY.name, STUDY.question)
        started = time.perf_counter()
        plans = planning.cut(runs, slots.count)
        execution.train(store, plans, 0, slots, Console(quiet=True))
        seconds = time.perf_counter() - started
        rows = read_runs(store.uri)
    if len(rows) != len(runs):
        raise RuntimeError(f"the project must store {len(runs)} rows, got {len(rows)}")
    return seconds, 1 - pc.sum(rows["train_seconds"]).as_py() / (seconds * slots.count)


def measure(options: Options) -> dict[str, Any]:
    """Run all three and return what was measured."""
    runs = subset(options.iterations)
    slots = connect("local")
    ours, overhead = project(runs, slots)
    reused, fresh = runs[::REUSED], runs[::PLAIN]
    study = STUDY.runs(STUDY.preset("embedded", iterations=options.iterations))
    work = {name: sum(cost.operations(r.configuration) for r in group) / len(group)
            for name, group in (("project", runs), ("reused", reused), ("plain", fresh), ("study", study))}  # fmt: skip
    seconds = {
        "project": ours / len(runs),
        "reused": plain_tune(reused, reuse_actors=True) / len(reused),
        "plain": plain_tune(fresh, reuse_actors=False) / len(fresh),
    }
    return {
        "runs": {"project": len(runs), "reused": len(reused), "plain": len(fresh)},
        "iterations": options.iterations,
        "operations_per_run_against_study": {name: value / work["study"] for name, value in work.items()},
        "seconds_per_run": seconds,
        "not_training": overhead,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {slots.device}",
        "commit": provenance.git_commit(),
        "versions": provenance.versions(),
    }


def table(measured: dict[str, Any]) -> str:
    """The measurements as Markdown."""
    seconds, runs, work = (
        measured[k] for k in ("seconds_per_run", "runs", "operations_per_run_against_study")
    )
    names = {
        "plain": "plain Ray Tune: one configuration per trial, eager PyTorch",
        "reused": "the same with `reuse_actors=True`",
        "project": "this project: one cohort per trial",
    }
    lines = [
        "| | runs | arithmetic per run, × the study's | wall s per run | × this project |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {words} | {runs[key]} | {work[key]:.2f} | {seconds[key]:.3f} | {seconds[key] / seconds['project']:.1f} |"
        for key, words in names.items()
    ]
    return "\n".join(
        [
            f"{measured['iterations']} iterations, λ = 0.1, both algorithms, every rate, β1 and dropout, three structures for each of",
            "the widths 32, 64 and 128. The baselines pay by the run and train every third and every seventh of the runs.",
            f"Not training in this project's wall time: {measured['not_training']:.0%}.",
            f"Machine: {measured['machine']}. Commit {measured['commit']}.",
            "",
            *lines,
        ]
    )


START, END = "<!-- bench: start -->", "<!-- bench: end -->"


def main() -> None:
    """Measure, print, write."""
    options = tyro.cli(Options, description=__doc__)
    measured = measure(options)
    text = table(measured)
    print(text)
    old = options.output.read_text() if options.output.exists() else f"# Benchmarks\n\n{START}\n{END}\n"
    before, rest = old.split(START)
    options.output.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}")
    options.output.with_suffix(".json").write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
