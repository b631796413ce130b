"""What a search of thousands of runs costs beside training: processor time of asking and telling, and of a restart.

    python -m infra.benchmarks.at_scale.long_search --runs 10000

Nothing is trained: each run's result is a smooth function of its configuration, which diverges at high rates. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import command_output
from result_metrics import VERSION_1
from result_schema import Outcome
from sweeps.search import STUDY
from sweeps.strategies.optuna_search import Search, Settings
from sweeps.strategies.sampling.samplers import SAMPLERS
from trainables.runs import Configuration, Run

TRAINING_SECONDS = 0.5
"""Processor time of a run at the embedded toy budget, about, on an AVX2 core."""

GENERATION = 16
METRICS = tuple(metric for metric in reversed(VERSION_1) if metric.name in STUDY.headline)
ALGORITHM = STUDY.algorithms[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.at_scale.long_search", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=list(SAMPLERS))
    options = parser.parse_args(arguments)
    print(
        f"| sampler | runs | first tenth: ms a run | last tenth | mean | part of {TRAINING_SECONDS:g} s of training | restart: s |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for sampler in options.samplers:
        first = new(sampler, options.runs)
        costs = _search(first)
        again = new(sampler, options.runs)
        start = time.process_time()
        again.take_up(first.recorded)
        restart = time.process_time() - start
        tenth = max(1, len(costs) // 10)
        early, late, mean = (1e3 * sum(part) / len(part) for part in (costs[:tenth], costs[-tenth:], costs))
        print(f"| {sampler} | {len(costs):,} | {early:.1f} | {late:.1f} | {mean:.1f} | {mean / 1e3 / TRAINING_SECONDS:.1%} | {restart:.1f} |",
              flush=True)  # fmt: skip


def new(sampler: str, runs: int) -> Search:
    """A search of the wide space."""
    metrics = METRICS if sampler == "nsga2" else METRICS[:1]
    budget = STUDY.preset("embedded").iterations
    return Search(
        STUDY.space,
        Settings(sampler, metrics, runs, GENERATION),
        lambda configuration: Run(STUDY.name, ALGORITHM, 0.1, 0, configuration, budget),
    )


def _search(one: Search) -> list[float]:
    """Searches to the end; seconds of processor time for each run."""
    costs: list[float] = []
    while True:
        start = time.process_time()
        runs = one.ask()
        asked = time.process_time() - start
        if not runs:
            return costs
        rows = {run.key: _result(run.configuration) for run in runs}
        start = time.process_time()
        one.tell(rows)
        costs += [(asked + time.process_time() - start) / len(runs)] * len(runs)


def _result(configuration: Configuration) -> Mapping[str, Any]:
    if configuration.learning_rate > 4e-3:
        return {"outcome": Outcome.DIVERGED}
    score = configuration.width / 64 + 2 * configuration.beta1
    error = 1 / configuration.width + abs(math.log(configuration.learning_rate / 3e-4))
    return {"outcome": Outcome.COMPLETED, "inception_score": score, "mse_x": error}


if __name__ == "__main__":
    command_output.lasting()
    main()
