"""Trains a study's cohorts as Ray Tune trials."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ray import tune
from rich.console import Console

from sweeps import provenance
from sweeps.cluster import Slots
from sweeps.planning import CohortPlan
from sweeps.progress import StudyProgress
from sweeps.store import Store
from sweeps.trial import train_cohort

RETRIES = 3
"""Times a trial that died is continued from its last checkpoint before its runs are FAILED."""

CHECKPOINT_SECONDS = 60.0

SCRATCH = "ray"
"""Folder of the store where Ray keeps the checkpoints of trials in flight; removed when they end."""


def train(
    store: Store, plans: Sequence[CohortPlan], already: int, slots: Slots, console: Console
) -> list[str]:
    """Train the cohorts, longest first, one Tune trial each; rows are written by the trials.

    Returns the error of each cohort that was lost for good; its runs have FAILED rows.
    Ctrl-C ends it early, without an error: what is stored is stored.
    """
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    started_at = datetime.now(UTC)
    origin = {"git_commit": provenance.git_commit(), "versions": provenance.versions()}
    by_key = {plan.key: plan for plan in plans}
    configurations: list[dict[str, Any]] = [
        {
            "runs": [run.to_dict() for run in plan.runs],
            "cohort_key": key,
            "directory": store.uri_for_workers,
            "device": slots.device,
            "checkpoint_seconds": CHECKPOINT_SECONDS,
            **origin,
        }
        for key, plan in by_key.items()
    ]
    with StudyProgress(by_key, already, console) as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = tune.Tuner(
            tune.with_resources(train_cohort, slots.resources),
            param_space={"cohort": tune.grid_search(configurations)},
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                max_concurrent_trials=slots.count,
                trial_name_creator=lambda trial: f"cohort-{trial.trial_id}",
                trial_dirname_creator=lambda trial: f"cohort-{trial.trial_id}",
            ),
            run_config=tune.RunConfig(
                name=f"{started_at:%Y%m%d-%H%M%S}",
                storage_path=f"{store.uri_for_workers}/{SCRATCH}",
                verbose=0,
                callbacks=[progress],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
            ),
        ).fit()
    store.filesystem.delete_dir_contents(f"{store.path}/{SCRATCH}", missing_dir_ok=True)
    errors = []
    finished = store.finished()
    for result in grid:
        plan = by_key[result.config["cohort"]["cohort_key"]]
        lost = [run for run in plan.runs if run.key not in finished]
        if result.error is not None and lost:
            errors.append(f"{type(result.error).__name__}: {str(result.error).strip().splitlines()[-1]}")
            store.write_failed(
                lost, plan.key, errors[-1], device=slots.device, started_at=started_at, **origin
            )
    return errors
