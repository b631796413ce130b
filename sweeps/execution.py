"""Trains a study's cohorts as Ray Tune trials."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ray import tune
from ray.tune.search import BasicVariantGenerator, Searcher
from rich.console import Console

from sweeps import planning, provenance
from sweeps.cluster import Slots
from sweeps.planning import CohortPlan
from sweeps.progress import StudyProgress
from sweeps.schedule import CHECKPOINT_SECONDS, progress_seconds
from sweeps.store import Store
from sweeps.trial import train_cohort
from trainables.runs import Run

RETRIES = 3
"""Times a trial that died is continued from its last checkpoint before its runs are FAILED."""

SCRATCH = "ray"
"""Folder of the store where Ray keeps the checkpoints of trials in flight; removed when they end."""


class InGenerations(Searcher):
    """Has Tune start the cohorts of one generation after the other.

    The next generation is made once every cohort of the last one has ended, and its rows are stored: what is
    proposed does not depend on which of them ended first.

    Args:
        generations: cohorts; each carries its runs, which no one knows when the study begins.
    """

    def __init__(self, generations: Iterator[Sequence[CohortPlan]]) -> None:
        super().__init__()
        self.generations = generations
        self.waiting: list[CohortPlan] = []
        self.running: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it for a restore; studies continue from the rows instead

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The configuration of a trial; None while a generation is not done, FINISHED after the last one."""
        if not self.waiting:
            if self.running:
                return None
            self.waiting = list(next(self.generations, ()))
            if not self.waiting:
                return str(Searcher.FINISHED)
        plan = self.waiting.pop(0)
        self.running.add(trial_id)
        return {"cohort": plan.key, "runs": [run.to_dict() for run in plan.runs], "seconds": plan.seconds}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        self.running.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a search continues from the stored rows."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as `save`."""


def train(
    store: Store, plans: Sequence[CohortPlan], already: int, slots: Slots, console: Console
) -> list[str]:
    """Train the cohorts, longest first, one Tune trial each; rows are written by the trials.

    Returns the error of each cohort that was lost for good; its runs have FAILED rows.
    Ctrl-C ends it early, without an error: what is stored is stored.
    """
    progress = StudyProgress(already, sum(map(len, plans)), console)
    progress.expect(plans)
    # Not a grid search: Tune copies the whole grid for each of its trials.
    cohorts = [{"cohort": key} for key in progress.plans]
    in_order = BasicVariantGenerator(cohorts, max_concurrent=slots.count)
    return _fit(store, in_order, len(cohorts), progress, dict(progress.plans), slots)


def search(
    store: Store,
    generations: Iterator[Sequence[Run]],
    already: int,
    most: int,
    slots: Slots,
    members: int,
    memory: int,
    console: Console,
) -> list[str]:
    """Train generation after generation, each cut into cohorts; else as `train`.

    Args:
        store: where rows go.
        generations: the runs to train of each; the next one is asked for when the rows of the last are stored.
        already: runs that were stored before.
        most: runs in all generations, at most.
        slots: trials that run at once.
        members: the most members of a cohort.
        memory: bytes that a cohort may take.
        console: where progress is shown.
    """
    progress = StudyProgress(already, most, console)

    def cohorts() -> Iterator[Sequence[CohortPlan]]:
        for runs in generations:
            plans = planning.cut(runs, slots.count, members, memory)
            progress.expect(plans)
            yield plans

    return _fit(store, InGenerations(cohorts()), max(most, 1), progress, {}, slots)


def _fit(
    store: Store,
    searcher: BasicVariantGenerator | InGenerations,
    trials: int,
    progress: StudyProgress,
    plans: Mapping[str, CohortPlan],
    slots: Slots,
) -> list[str]:
    """Run Tune; `plans`: the cohorts whose runs are not in their trials' configurations."""
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    started_at = datetime.now(UTC)
    origin = {"git_commit": provenance.git_commit(), "versions": provenance.versions()}
    settings = {
        "directory": store.uri_for_workers,
        "device": slots.device,
        "share": slots.resources.get("GPU", 1.0),
        "checkpoint_seconds": CHECKPOINT_SECONDS,
        "progress_seconds": progress_seconds(slots.count),
        **origin,
    }
    with progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(train_cohort, plans=plans, settings=settings), slots.resources
            ),
            param_space={"cohort": None},
            tune_config=tune.TuneConfig(
                num_samples=trials,
                search_alg=searcher,
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
        plan = progress.plans[result.config["cohort"]]
        lost = [run for run in plan.runs if run.key not in finished]
        if lost:
            errors.append(f"{type(result.error).__name__}: {str(result.error).strip().splitlines()[-1]}")
            store.write_failed(
                lost, plan.key, errors[-1], device=slots.device, started_at=started_at, **origin
            )
    return errors
