"""What one Ray Tune trial does: train a cohort, keep checkpoints, write its rows."""

from __future__ import annotations

import gc
import tempfile
import time
from datetime import UTC, datetime
from typing import Any

import torch
from ray import tune

from sweeps.store import Store
from trainables import checkpoint
from trainables.allocator import return_freed_memory
from trainables.runs import Run
from trainables.training import Training


def train_cohort(trial: dict[str, Any]) -> None:
    """Train the runs of `trial["cohort"]` from its last checkpoint, if any, and store one row per run.

    The cohort has runs (list of Run.to_dict()), cohort_key, directory (the store), device, checkpoint_seconds,
    git_commit, versions.
    """
    config = trial["cohort"]
    torch.set_num_threads(1)
    started_at = datetime.now(UTC)
    training = Training([Run.from_dict(run) for run in config["runs"]], device=config["device"])
    saved = tune.get_checkpoint()
    if saved is not None:
        with saved.as_directory() as directory:
            checkpoint.load(training, directory)
    last = time.monotonic()
    while not training.finished:
        training.advance()
        progress = {"iteration": training.iteration, "diverged": int((training.diverged_at > 0).sum())}
        if time.monotonic() - last > config["checkpoint_seconds"] and not training.finished:
            with tempfile.TemporaryDirectory() as directory:
                checkpoint.save(training, directory)
                tune.report(progress, checkpoint=tune.Checkpoint.from_directory(directory))
            last = time.monotonic()
        elif training.evaluated and not training.finished:
            tune.report(progress)
    results = training.results()
    Store(config["directory"]).write(
        results,
        config["cohort_key"],
        device=config["device"],
        git_commit=config["git_commit"],
        versions=config["versions"],
        started_at=started_at,
    )
    diverged = sum(result.diverged_at is not None for result in results)
    del training
    gc.collect()
    return_freed_memory()
    tune.report({"iteration": results[0].run.budget, "diverged": diverged, "stored": len(results)})
