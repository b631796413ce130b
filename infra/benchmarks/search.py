"""`make bench-search`, second part: how good the searches are, against the grid of the toy robustness study as stored.

A run's result does not depend on who asked for it: the grid's rows are told to each search as what its runs gave, so
that ten seeds of every sampler take minutes. Nothing is trained.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import command_output
from analysis.comparison.trends import pareto
from result_metrics import VERSION_1, MetricInfo
from result_reading import read_runs
from result_schema import Outcome
from sweeps.strategies.optuna_search import Search, Settings
from sweeps.toy_robustness import STUDY
from trainables.runs import Configuration, Run

RUNS, GENERATION, SEEDS = 96, 16, 10
LAMBDA, BEST = 0.1, 0.02
"""The λ searched at, and the part of the grid that counts as the best."""

METRICS = {metric.name: metric for metric in reversed(VERSION_1) if metric.name in STUDY.headline}
"""Search metrics, by name."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print two Markdown tables."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.search", description=__doc__)
    parser.add_argument(
        "--results", default="results/toy_robustness", help="the stored grid (embedded preset)"
    )
    options = parser.parse_args(arguments)
    budget = STUDY.preset("embedded").iterations
    rows = {row["run_key"]: row for row in read_runs(options.results).to_pylist()}
    grid = {
        a: [Run(STUDY.name, a, LAMBDA, 0, c, budget) for c in STUDY.configurations()]
        for a in STUDY.algorithms
    }
    missing = sum(run.key not in rows for runs in grid.values() for run in runs)
    if missing:
        parser.error(
            f"--results must hold the whole grid, but {missing} runs are missing; run make study first"
        )
    warnings.simplefilter("ignore")
    print(f"| system | metric | of {SEEDS} seeds, within the grid's best {BEST:.0%}: tpe | random | chance |")
    print("| --- | --- | ---: | ---: | ---: |")
    chance = 1 - (1 - BEST) ** RUNS
    for algorithm, runs in grid.items():
        for metric in METRICS.values():
            good = np.sort([_value(rows[run.key], metric) for run in runs])[::-1][int(BEST * len(runs)) - 1]
            hits = [
                sum(max(_value(row, metric) for row in _found(rows, algorithm, budget, sampler, (metric,), seed)) >= good
                    for seed in range(SEEDS))
                for sampler in ("tpe", "random")
            ]  # fmt: skip
            print(
                f"| {algorithm} | {metric.name} | {hits[0]} | {hits[1]} | {chance * SEEDS:.1f} |", flush=True
            )
    print("\n| system | random search's points that NSGA-II's front dominates: mean | least of the seeds |")
    print("| --- | ---: | ---: |")
    for algorithm in grid:
        shares = []
        for seed in range(SEEDS):
            ours = _points(_found(rows, algorithm, budget, "nsga2", tuple(METRICS.values()), seed))
            theirs = _points(_found(rows, algorithm, budget, "random", (METRICS["mse_x"],), seed))
            front = ours[pareto(ours[:, 0], ours[:, 1])]
            shares.append(np.mean([_dominated(point, front) for point in theirs]))
        print(f"| {algorithm} | {np.mean(shares):.1%} | {min(shares):.1%} |", flush=True)


def _found(
    rows: Mapping[str, Mapping[str, Any]],
    algorithm: str,
    budget: int,
    sampler: str,
    metrics: tuple[MetricInfo, ...],
    seed: int,
) -> list[Mapping[str, Any]]:
    """Rows of all runs that a search asks for."""

    def run_of(configuration: Configuration) -> Run:
        return Run(STUDY.name, algorithm, LAMBDA, 0, configuration, budget)

    search = Search(STUDY.space, Settings(sampler, metrics, RUNS, GENERATION, seed), run_of)
    found: list[Mapping[str, Any]] = []
    while asked := search.ask():
        search.tell(rows)
        found += [rows[run.key] for run in asked]
    return found


def _value(row: Mapping[str, Any], metric: MetricInfo) -> float:
    """Larger is better; −∞ of a run that DIVERGED."""
    if row["outcome"] != Outcome.COMPLETED:
        return -np.inf
    return float(row[metric.name]) * metric.better


def _points(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """MSE and inception score, [n, 2], of the runs that COMPLETED."""
    return np.array([(r["mse_x"], r["inception_score"]) for r in rows if r["outcome"] == Outcome.COMPLETED])


def _dominated(point: np.ndarray, front: np.ndarray) -> bool:
    """Whether a point of the front is no worse in both and better in one."""
    no_worse = (front[:, 0] <= point[0]) & (front[:, 1] >= point[1])
    return bool((no_worse & ((front[:, 0] < point[0]) | (front[:, 1] > point[1]))).any())


if __name__ == "__main__":
    command_output.lasting()
    main()
