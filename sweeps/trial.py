"""What one Ray Tune trial does: train a cohort, keep checkpoints, write its rows."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import torch
from ray import tune

from sweeps.planning import CohortPlan
from sweeps.store import Store
from trainables import checkpoint
from trainables.allocator import return_freed_memory
from trainables.training import Training


def train_cohort(trial: dict[str, str], plans: Mapping[str, CohortPlan], settings: dict[str, Any]) -> None:
    """Train the cohort of key `trial["cohort"]` from its last checkpoint, if any, and store one row per run.

    Args:
        trial: what Tune varies.
        plans: the study's cohorts by key.
        settings: of every trial: directory (the store), device, checkpoint_seconds and progress_seconds (the
            least time between two of them), git_commit, versions.
    """
    key = trial["cohort"]
    torch.set_num_threads(1)
    started_at = datetime.now(UTC)
    training = Training(plans[key].runs, device=settings["device"])
    saved = tune.get_checkpoint()
    if saved is not None:
        with saved.as_directory() as directory:
            checkpoint.load(training, directory)
    saved_at = reported_at = time.monotonic()
    while not training.finished:
        training.advance()
        now = time.monotonic()
        progress = {"iteration": training.iteration, "diverged": int((training.diverged_at > 0).sum())}
        if now - saved_at > settings["checkpoint_seconds"] and not training.finished:
            with tempfile.TemporaryDirectory() as directory:
                checkpoint.save(training, directory)
                tune.report(progress, checkpoint=tune.Checkpoint.from_directory(directory))
            saved_at = reported_at = time.monotonic()
        elif (
            now - reported_at > settings["progress_seconds"] and training.evaluated and not training.finished
        ):
            tune.report(progress)
            reported_at = now
    results = training.results()
    Store(settings["directory"]).write(
        results,
        key,
        device=settings["device"],
        git_commit=settings["git_commit"],
        versions=settings["versions"],
        started_at=started_at,
    )
    diverged = sum(result.diverged_at is not None for result in results)
    del training
    gc.collect()
    return_freed_memory()
    tune.report({"iteration": results[0].run.budget, "diverged": diverged, "stored": len(results)})
