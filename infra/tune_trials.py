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
from statistics import fmean
from typing import Any

import ray
from ray import tune
from rich.console import Console

from infra import plain
from infra.workload import STUDY, config
from result_schema import read_runs
from sweeps import execution, planning
from sweeps.cluster import connect
from sweeps.store import Store
from trainables import cost
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
    """Seconds for which the runs keep all cores busy, as one Tune trial each, one per core at a time.

    Each core is timed from the end of a short trial that leads in to the end of its last one: in a study of a
    thousand runs the start of Tune, with `reuse_actors` that of its actors, and an idle core at the end weigh nothing.
    """
    longest_first = sorted(runs, key=lambda run: -cost.operations(run.configuration))
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
    return fmean(finished.at[-cores:]) - fmean(finished.at[:cores])


def project(runs: Sequence[Run]) -> float:
    """Wall seconds of the runs as a study of this project: planned, trained by cohort, every row stored."""
    slots = connect("local")
    try:
        with tempfile.TemporaryDirectory() as directory:
            store = Store(f"{directory}/{STUDY}")
            store.create(STUDY, "How fast is it?")
            started = time.perf_counter()
            plans = planning.cut(list(runs), slots.count)
            execution.train(store, plans, 0, slots, Console(quiet=True))
            seconds = time.perf_counter() - started
            stored = len(read_runs(store.uri))
    finally:
        ray.shutdown()
        os.environ.pop(LOGGERS, None)
    if stored != len(runs):
        raise RuntimeError(f"the project must store {len(runs)} rows, got {stored}")
    return seconds
