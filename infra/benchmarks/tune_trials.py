"""The contenders that need Ray: one run per Tune trial, with and without reused actors; and this project's studies."""

from __future__ import annotations

import io
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from statistics import fmean
from typing import Any

import ray
from ray import tune
from rich.console import Console

from infra.benchmarks import plain
from infra.benchmarks.workload import STUDY, config
from result_reading import read_runs
from sweeps.execution import tuner
from sweeps.execution.cluster import connect
from sweeps.planning import cohort_plans
from sweeps.store.store import Store
from trainables.engine import cost
from trainables.runs import Run

LOGGERS = "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"
"""Ray Tune writes JSON, CSV and TensorBoard files by default; "1" in this variable stops it."""


class Finished(tune.Callback):
    """Notes when each trial ends."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.at.append(time.perf_counter())


@contextmanager
def local_ray(cores: int) -> Iterator[None]:
    """A Ray of `cores` cores on this machine, as it starts by default but for its dashboard."""
    ray.init(
        address="local",
        num_cpus=cores,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


def one_run_per_trial(
    runs: Sequence[Run], cores: int, reuse_actors: bool = False, loggers: bool = True
) -> float:
    """`busy_seconds` of the runs as one Tune trial each, one per core at a time."""
    longest_first = sorted(runs, key=lambda run: -cost.operations(run))
    short = min(plain.EVALUATE_EVERY, runs[0].budget)
    lead_in = [{**config(run), "budget": short} for run in longest_first[-1:] * cores]

    def train(trial: dict[str, Any]) -> None:
        for metrics in plain.train(trial["run"]):
            if metrics:
                tune.report(metrics)

    finished = Finished()
    os.environ[LOGGERS] = "0" if loggers else "1"
    with (
        tempfile.TemporaryDirectory() as directory,
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        grid = tune.Tuner(
            train,
            param_space={"run": tune.grid_search([*lead_in, *map(config, longest_first)])},
            tune_config=tune.TuneConfig(reuse_actors=reuse_actors),
            run_config=tune.RunConfig(storage_path=directory, verbose=0, callbacks=[finished]),
        ).fit()
    del os.environ[LOGGERS]
    if grid.errors or len(grid) != len(lead_in) + len(runs):
        raise RuntimeError(f"the baseline must finish {len(runs)} runs, got {grid.errors[:1]}")
    return busy_seconds(finished.at, cores)


def busy_seconds(ends: Sequence[float], cores: int) -> float:
    """Seconds for which all cores were busy: of each from the end of what led in to the end of its last trial.

    In a study of a thousand runs the start of Tune and of its workers, and an idle core at the end, weigh nothing:
    so nobody's are counted.

    Args:
        ends: when each trial ended; the first `cores` of them lead in.
    """
    ordered = sorted(ends)
    return fmean(ordered[-cores:]) - fmean(ordered[:cores])


def project(runs: Sequence[Run]) -> float:
    """`busy_seconds` of the runs as a study of this project: planned, trained by cohort, every row stored."""
    before = dict(os.environ)  # a study's own switches for Ray are not the contenders'
    slots = connect("local")
    short = min(plain.EVALUATE_EVERY, runs[0].budget)
    lightest = min(runs, key=lambda run: cost.operations(run))
    lead_in = [replace(lightest, seed=lightest.seed + 1 + n, budget=short) for n in range(slots.count)]
    try:
        with tempfile.TemporaryDirectory() as directory:
            store = Store(f"{directory}/{STUDY}")
            store.create(STUDY, "How fast is it?")
            plans = [plan for run in lead_in for plan in cohort_plans.cut([run])] + cohort_plans.cut(
                runs, slots.count
            )
            tuner.train(store, plans, 0, slots, Console(quiet=True))
            rows = read_runs(store.uri)
    finally:
        ray.shutdown()
        os.environ.clear()
        os.environ.update(before)
    if len(rows) != len(lead_in) + len(runs):
        raise RuntimeError(f"the project must store {len(lead_in) + len(runs)} rows, got {len(rows)}")
    ends = dict(zip(rows["cohort_key"].to_pylist(), rows["finished_at"].to_pylist(), strict=True))
    return busy_seconds([end.timestamp() for end in ends.values()], slots.count)
