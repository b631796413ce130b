"""Ray Tune trial of a cohort: trains it, keeps checkpoints, writes its rows.

A cohort that does not fit into memory is trained in parts, one after the other, each halved until it fits.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import torch
from ray import tune

from sweeps.console.errors import FULL
from sweeps.execution.machine.power import Meter
from sweeps.execution.machine.utilisation import Utilisation
from sweeps.planning import cores
from sweeps.planning.cohort_plans import CohortPlan, Segment
from sweeps.planning.schedule import SILENT_SECONDS
from sweeps.store import kept_models
from sweeps.store.lease import Fenced
from sweeps.store.store import BEGUN, Store
from trainables.datasets.files import root
from trainables.engine import checkpoint
from trainables.engine.machine import memory
from trainables.engine.native import build
from trainables.engine.training import Training
from trainables.recognition.features_file import FEATURES
from trainables.runs import Run

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Shortest time between two checks of the lease."""

LOOKS_PER_SECOND = 100.0
"""Checks of the lease by all trials together, at most: each lists a folder, and is a request that an object store bills."""


class EndRequestedError(Exception):
    """The driver asked its trials to end; their state is stored."""


def train_cohort(trial: dict[str, Any], plans: Mapping[str, CohortPlan], settings: dict[str, Any]) -> None:
    """Trains the cohort with the key `trial["cohort"]`, from its stored state if there is one, and stores one row per run.

    Args:
        trial: Tune's configuration: the key of a cohort, and its content (`planned`) if it is not among `plans`.
        plans: the study's cohorts by key.
        settings: of every trial: directory (the store), device, slots (trials that run at once), share (of a GPU; None for one core's of the memory), checkpoint_seconds and
            progress_seconds (the least time between two of them), full_seconds (to wait for room on a full disk), lease (its
            name, or None), data_dir (folder of image data, or None), features (file by which images
            get theirs, or None), metrics (names or import paths of those to take), keep (of `kept_models.KEEP`), git_commit, versions, sampler.

    Raises:
        RuntimeError: memory does not suffice for a single member; rows that were stored before stay.
    """
    torch.set_num_threads(1)
    memory.keep_loaded()
    with root.using(settings["data_dir"]), FEATURES.using(settings["features"]):
        if trial["cohort"] in plans:
            plan = plans[trial["cohort"]]
        else:
            runs = tuple(map(Run.from_dict, trial["runs"]))
            segment = Segment(trial["since"], trial["until"], tuple(trial["states"]), trial["renamed"])
            plan = CohortPlan(runs, 0, len(runs), trial["seconds"], segment)
        CohortTrial(plan, settings).run()


def planned(plan: CohortPlan) -> dict[str, Any]:
    """A cohort as plain values: configuration of a trial that has no `plans`."""
    return {
        "cohort": plan.key,
        "runs": [run.to_dict() for run in plan.runs],
        "seconds": plan.seconds,
        "since": plan.since,
        "until": plan.until,
        "states": list(plan.segment.states if plan.segment else ()),
        "renamed": dict(plan.segment.renamed if plan.segment else {}),
    }


class CohortTrial:
    """Cohort of a trial, in parts: one, unless memory is too small.

    Attributes:
        parts: parts that are not stored, in order; the first one is in training.
        diverged: number of diverged members of stored parts.
        trouble: message of the last failed write, or ''.
    """

    def __init__(self, plan: CohortPlan, settings: dict[str, Any]) -> None:
        self.plan = plan
        self.settings = settings
        self.store = Store(settings["directory"], settings["lease"])
        self.state = f"{BEGUN}{plan.key}"
        self.parts = [plan]
        self.diverged = 0
        self.trouble = ""
        self.saved_at = self.reported_at = time.monotonic()
        self.looked_at = -math.inf
        self.look_seconds = max(LOOK_SECONDS, settings["slots"] / LOOKS_PER_SECOND)
        self.meter = Meter(settings["device"], settings["share"])
        self.utilisation = Utilisation(settings["device"])

    def run(self) -> None:
        """Trains and stores every part that is not stored, unless the driver is told to end or has lost its lease."""
        try:
            self._look()
            if self.settings["device"] == "cpu" and (slower := build.missing()):
                tune.report({**self._progress(self.plan.since, 0), "trouble": slower})
            self._run()
        except (EndRequestedError, Fenced):
            tune.report(self._progress(0, 0))  # its runs are not finished; their state is stored
        else:
            tune.report({**self._progress(0, 0), "stored": len(self.plan)})

    def _run(self) -> None:
        if (begun := self._begun()) is not None:
            first = self.plan.start
            self.parts = [replace(self.plan, start=first + a, stop=first + b) for a, b in begun["parts"]]
            self.diverged = begun["diverged"]
            if not self.store.holds(self.parts[0].key):
                self._train_or_split((self.state,))
        else:
            share = self.settings["share"] or 1 / cores.available()
            most = memory.fitting(self.plan.runs, self.settings["device"], share)
            self.parts = self.plan.split(most)
        while self.parts:
            if not self.store.holds(self.parts[0].key):
                self._train_or_split(self.plan.segment.states if self.plan.segment else ())
            else:
                self.parts.pop(0)
        self.store.drop_states([self.state])

    def _begun(self) -> dict[str, Any] | None:
        """State of this cohort at its interruption; None if there was none, or if its members have continued since."""
        with contextlib.suppress(FileNotFoundError, checkpoint.DamagedError):
            state = checkpoint.read(self.store.read_state(self.state))
            if self.plan.since <= state["iteration"] <= self.plan.until:
                return state
        return None

    def _train_or_split(self, states: tuple[str, ...]) -> None:
        """Trains the first part, from stored states if there are any, and stores it; or halves it."""
        part, started_at = self.parts[0], datetime.now(UTC)
        try:
            training = self._train(part, states)
        except RuntimeError as error:
            if len(part) == 1 or not memory.exhausted(error):
                raise
            self.parts[:1] = part.split((len(part) + 1) // 2)
        else:
            self._store(part, training, started_at)
            self.parts.pop(0)
            self.diverged += int((training.diverged_at[: len(part)] > 0).sum())
        memory.release()  # here, where the error no longer holds the arrays of the part

    def _train(self, part: CohortPlan, states: tuple[str, ...]) -> Training:
        training = Training(part.runs, self.settings["device"], part.until, self.settings["metrics"])
        self.meter.begin()
        self.utilisation.begin()
        if states:
            try:
                renamed = part.segment.renamed if part.segment else {}
                checkpoint.unpack(training, map(self.store.read_state, states), renamed)
            except (checkpoint.DamagedError, FileNotFoundError) as error:
                LOG.warning("cohort %s begins anew: %s", part.key, error)
        while not training.finished:
            training.advance()
            self.meter.look()
            self.utilisation.look()
            if not training.finished:
                self._report(training)
        self.meter.look(last=True)
        self.utilisation.look(last=True)
        return training

    def _store(self, part: CohortPlan, training: Training, started_at: datetime) -> None:
        """Writes the rows of a part, once there is room.

        Raises:
            OSError: they cannot be written, or the disk stays full.
        """
        origin = {name: self.settings[name] for name in ("device", "git_commit", "sampler")}
        origin |= {
            "device_share": self.meter.share,
            "watts": self.meter.watts,
            "utilisation": self.utilisation.means,
        }
        origin["versions"] = {**self.settings["versions"], **training.arithmetic}
        results, since = training.results(), time.monotonic()
        while True:
            try:
                if part.until < part.budget:
                    self.store.write_state(part.key, checkpoint.pack(training))
                kept_models.keep(self.store, self.settings["keep"], training, results, origin)
                self.store.write(results, part.key, started_at=started_at, **origin)
                self.trouble = ""
                return
            except OSError as error:
                if error.errno not in FULL or time.monotonic() - since > self.settings["full_seconds"]:
                    raise
                self._tell(training, f"results wait to be written: {error.strerror}")
                time.sleep(LOOK_SECONDS)
                self._look()

    def _look(self) -> None:
        """Raises EndRequestedError if the driver asked its trials to end, Fenced if it has lost its lease."""
        if self.store.token and time.monotonic() - self.looked_at > self.look_seconds:
            self.looked_at = time.monotonic()
            if self.store.token.check():
                raise EndRequestedError

    def _report(self, training: Training) -> None:
        """Keeps the state of training and reports progress to Tune if either is due; raises EndRequestedError if the trial is to end."""
        now = time.monotonic()
        try:
            self._look()
        except EndRequestedError:
            self._save(training)
            raise
        if now - self.saved_at > self.settings["checkpoint_seconds"]:
            self._save(training)
            self._tell(training, self.trouble)
            self.saved_at = self.reported_at = time.monotonic()
        elif (silent := now - self.reported_at) > self.settings["progress_seconds"] and (
            training.evaluated or silent > SILENT_SECONDS
        ):
            self._tell(training, self.trouble)
            self.reported_at = now

    def _save(self, training: Training) -> None:
        """Stores the state in one atomic step; without room the previous one stays."""
        first = self.plan.start
        left = [(p.start - first, p.stop - first) for p in self.parts]
        try:
            self.store.write_state(self.state, checkpoint.pack(training, parts=left, diverged=self.diverged))
            self.trouble = ""
        except OSError as error:
            self.trouble = f"the state of training cannot be kept: {error.strerror or error}"

    def _tell(self, training: Training, trouble: str) -> None:
        diverged = int((training.diverged_at[: len(training.runs)] > 0).sum())
        tune.report(
            {**self._progress(training.iteration, diverged), **({"trouble": trouble} if trouble else {})}
        )

    def _progress(self, iteration: int, diverged: int) -> dict[str, int]:
        """Mean iterations over the cohort's members, if the first part has done `iteration`, and number of diverged members."""
        left = sum(len(part) for part in self.parts)
        running = (
            len(self.parts[0]) * iteration + (left - len(self.parts[0])) * self.plan.since
            if self.parts
            else 0
        )
        done = (len(self.plan) - left) * self.plan.until + running
        return {"iteration": done // len(self.plan), "diverged": self.diverged + diverged}
