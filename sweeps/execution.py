"""Trains a study's cohorts as Ray Tune trials."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime

from ray import tune
from ray.tune.search import BasicVariantGenerator
from rich.console import Console

from sweeps import provenance
from sweeps.cluster import Slots
from sweeps.planning import CohortPlan
from sweeps.progress import StudyProgress
from sweeps.schedule import CHECKPOINT_SECONDS, progress_seconds
from sweeps.store import Store
from sweeps.trial import train_cohort

RETRIES = 3
"""Times a trial that died is continued from its last checkpoint before its runs are FAILED."""

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
    settings = {
        "directory": store.uri_for_workers,
        "device": slots.device,
        "share": slots.resources.get("GPU", 1.0),
        "checkpoint_seconds": CHECKPOINT_SECONDS,
        "progress_seconds": progress_seconds(slots.count),
        **origin,
    }
    # Not a grid search: Tune copies the whole grid for each of its trials.
    in_order = BasicVariantGenerator([{"cohort": key} for key in by_key], max_concurrent=slots.count)
    with StudyProgress(by_key, already, console) as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(train_cohort, plans=by_key, settings=settings), slots.resources
            ),
            param_space={"cohort": None},
            tune_config=tune.TuneConfig(
                num_samples=len(by_key),
                search_alg=in_order,
                reuse_actors=True,
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
    for result in (r for r in grid if r.error is not None):
        plan = by_key[result.config["cohort"]]
        lost = [run for run in plan.runs if run.key not in finished]
        if lost:
            errors.append(f"{type(result.error).__name__}: {str(result.error).strip().splitlines()[-1]}")
            store.write_failed(
                lost, plan.key, errors[-1], device=slots.device, started_at=started_at, **origin
            )
    return errors
