"""Trains a study's cohorts as Ray Tune trials."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ray import tune
from ray.exceptions import RayError
from ray.tune.execution import class_cache
from ray.tune.search import BasicVariantGenerator, Searcher
from rich.console import Console

from result_schema import GRID
from sweeps.execution import resume
from sweeps.execution.heartbeat import Heartbeat
from sweeps.execution.lost import Lost
from sweeps.execution.progress import StudyProgress
from sweeps.execution.shared_plans import SharedPlans
from sweeps.execution.trial import planned, train_cohort
from sweeps.planning import stages as planning
from sweeps.planning.cohort_plans import CohortPlan
from sweeps.planning.schedule import CHECKPOINT_SECONDS, progress_seconds
from sweeps.planning.slots import Slots
from sweeps.planning.stages import Stage
from sweeps.store import provenance
from sweeps.store.kept_models import NONE
from sweeps.store.lease import Lease
from sweeps.store.store import Store
from trainables.datasets.files import root
from trainables.recognition.features_file import FEATURES

RETRIES = 3
"""Number of times that a trial that died is continued from its stored state before its runs are FAILED."""

TOGETHER, TURNS = 4_096, 16
"""Trials of one Tune experiment: so many, but at least TURNS on each slot. Tune keeps what it knows of every trial until its
experiment ends, and goes through all of them to save it: a study's trials are a few experiments after each other."""

FULL_SECONDS = 600.0
"""Seconds that results wait for room on a full disk before their trial fails."""

AWS_KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"}
"""Variables that Tune must not copy from the driver into its trials' runtime environment, which Ray's agents log for all to
read. Local workers inherit them; nodes of a cluster have a role or keys of their own."""


class InOrder(BasicVariantGenerator):
    """Makes Tune start the cohorts in order, until `stopping` is set."""

    def __init__(self, keys: Iterable[str], most: int, stopping: threading.Event) -> None:
        # Not a grid search: Tune copies the whole grid for each of its trials.
        super().__init__([{"cohort": key} for key in keys], max_concurrent=most)
        self.stopping = stopping

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it for a restore; studies continue from the rows instead

    def next_trial(self) -> Any:
        if self.stopping.is_set():
            self.set_finished()
            return None
        return super().next_trial()

    def save_to_dir(self, dirpath: str, session_str: str) -> None:
        """Nothing: studies continue from the rows."""


class InStages(Searcher):
    """Makes Tune start the cohorts of one stage after the other.

    The next stage is made once every cohort of the last one has ended and its rows are stored, so that proposals and
    survivors do not depend on the order in which cohorts end.

    Args:
        stages: cohorts of each stage; trials carry their runs, which are not known when the study begins.
        stopping: set when no more trials are to be started.
    """

    def __init__(self, stages: Iterator[Sequence[CohortPlan]], stopping: threading.Event) -> None:
        super().__init__()
        self.stopping = stopping
        self.stages = stages
        self.waiting: list[CohortPlan] = []
        self.running: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it for a restore; studies continue from the rows instead

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Configuration of the next trial; None while a stage is not done, FINISHED after the last stage."""
        if self.stopping.is_set():
            return str(Searcher.FINISHED)
        if not self.waiting:
            if self.running:
                return None
            self.waiting = list(next(self.stages, ()))
            if not self.waiting:
                return str(Searcher.FINISHED)
        plan = self.waiting.pop(0)
        self.running.add(trial_id)
        return planned(plan)

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        self.running.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a search continues from the stored rows."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as `save`."""


def train(
    store: Store,
    plans: Sequence[CohortPlan],
    already: int,
    slots: Slots,
    console: Console,
    sampler: str = GRID,
    keep: str = NONE,
) -> list[str]:
    """Trains the cohorts in order, one Tune trial each; the trials write the rows, which name the sampler, and the models to keep.

    Returns the error of each cohort that was lost for good; its runs have FAILED rows. Ctrl-C, or a stop of the store's lease,
    ends training early without an error; stored rows stay.

    Raises:
        Fenced: another driver has taken the store's lease.
    """
    progress = StudyProgress(already, sum(map(len, plans)), console, slots)
    progress.expect(plans)
    keys, stopping = list(progress.plans), _stopping(store)
    shared = SharedPlans(progress.plans)
    errors: list[str] = []
    together = max(TOGETHER, TURNS * slots.count)
    for first in range(0, len(keys), together):
        some = keys[first : first + together]
        in_order = InOrder(some, slots.count, stopping)
        lost = _fit(store, in_order, len(some), progress, shared, slots, sampler, keep)
        errors += filter(None, lost.values())
        if not progress.finished.issuperset(key for key in some if key not in lost):  # it was interrupted
            break
    return errors


def train_stages(
    store: Store,
    stages: Iterator[Stage],
    progress: StudyProgress,
    slots: Slots,
    sampler: str = GRID,
    keep: str = NONE,
) -> list[str]:
    """Trains stage after stage, each cut into cohorts; else as `train`.

    Args:
        store: destination of the rows.
        stages: to train; the next one is asked for when the rows of the last are stored.
        progress: made for as many trainings as all stages have at most.
        slots: trials that run at once.
        sampler: proposer of the runs.
        keep: models to keep (`kept_models.KEEP`).
    """

    def cohorts() -> Iterator[Sequence[CohortPlan]]:
        for stage in stages:
            kept = store.states()
            store.drop_states(kept - stage.waiting)
            plans = planning.cohorts(stage, slots, kept, resume.begun(store, store.finished()))
            progress.expect(plans)
            yield plans

    # Tune asks until there is no further stage: it would else not ask after as many trials as were expected,
    # and what comes of the last ones is taken up when the next stage is asked for.
    lost = _fit(store, InStages(cohorts(), _stopping(store)), -1, progress, {}, slots, sampler, keep)
    return [error for error in lost.values() if error]


def count_no_callbacks() -> None:
    """Keeps Tune from counting callbacks by their kinds for usage statistics, which are off: it would import MLflow for that, a second."""
    with contextlib.suppress(ImportError):  # then Ray counts them otherwise
        from ray.air._internal import usage

        usage.tag_callbacks = lambda callbacks: False


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Puts this process's answers to Ctrl-C and SIGUSR1 back afterwards: Tune leaves its own, which ignores the next one."""
    if threading.current_thread() is not threading.main_thread():  # there Tune takes none
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGUSR1)}
    try:
        yield
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)


def _stopping(store: Store) -> threading.Event:
    return store.token.stopping if isinstance(store.token, Lease) else threading.Event()


def _fit(
    store: Store,
    searcher: BasicVariantGenerator | InStages,
    trials: int,
    progress: StudyProgress,
    plans: Mapping[str, CohortPlan],
    slots: Slots,
    sampler: str,
    keep: str,
) -> dict[str, str]:
    """Runs Tune; returns the key of each cohort that was lost for good, with its error; '' if all its runs were stored before.

    The runs of the others have FAILED rows.

    Args:
        trials: number of trials; -1 if the searcher ends the experiment.
        plans: cohorts whose runs are not in their trials' configurations.
    """
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    count_no_callbacks()
    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(AWS_KEYS)
    if slots.own:  # inherited; for a runtime environment Ray would not use the workers that are there
        os.environ.update(class_cache.DEFAULT_ENV_VARS)
        class_cache.DEFAULT_ENV_VARS.clear()
        class_cache.ENV_VARS_TO_PROPAGATE.clear()
    started_at = datetime.now(UTC)
    origin = {"git_commit": provenance.git_commit(), "versions": provenance.versions(), "sampler": sampler}
    settings = {
        "directory": store.uri_for_workers,
        "device": slots.device,
        "slots": slots.count,
        "share": slots.resources.get("GPU"),
        "checkpoint_seconds": CHECKPOINT_SECONDS,
        "progress_seconds": progress_seconds(slots.count),
        "full_seconds": FULL_SECONDS,
        "data_dir": root.named(),
        "features": FEATURES.named(),
        "lease": store.token.name if store.token else None,
        "metrics": [metric.path or metric.name for metric in store.manifest.metrics],
        "keep": keep,
        **origin,
    }
    lost = Lost()
    heartbeat = Heartbeat(store, progress, lost)
    # Tune's own files are not needed: trials keep their state and write their rows in the store.
    with progress, warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="study-tune-") as scratch:
        warnings.simplefilter("ignore")
        tuner = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(train_cohort, plans=plans, settings=settings),
                slots.resources,
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
                storage_path=scratch,
                verbose=0,
                callbacks=[progress, lost, heartbeat],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
            ),
        )
        try:
            with _own_signals():
                tuner.fit()
        except (RayError, tune.TuneError) as error:
            if not lost.end(error):
                raise
        finally:
            heartbeat.write(ended=True)
    if store.token:
        store.token.check()
    if not lost.reasons and not store.begun():
        return {}
    errors = {}
    finished = store.finished()
    resume.begun(store, finished)  # removes states from which nothing continues
    for key, reason in lost.reasons.items():
        plan = progress.plans[key]
        runs = [run for run in plan.runs if run.key not in finished]
        errors[key] = reason if runs else ""
        if runs:
            store.write_failed(runs, key, reason, device=slots.device, started_at=started_at, **origin)
    return errors
