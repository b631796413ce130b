"""What one Ray Tune trial does: train a cohort, keep checkpoints, write its rows.

A cohort that memory does not hold is trained in parts, one after the other, each halved until it fits.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from ray import tune

from sweeps.planning import CohortPlan, Leg
from sweeps.store import Store
from trainables import checkpoint, memory
from trainables.runs import Run
from trainables.training import Result, Training

PARTS = "parts.json"
"""File of a checkpoint, beside the state of the part in training: the parts that are left."""


def train_cohort(trial: dict[str, Any], plans: Mapping[str, CohortPlan], settings: dict[str, Any]) -> None:
    """Train the cohort of key `trial["cohort"]` from its last checkpoint, if any, and store one row per run.

    Args:
        trial: what Tune varies: the key of a cohort, and where it is none of `plans` what it consists of
            (`planned`).
        plans: the study's cohorts by key.
        settings: of every trial: directory (the store), device, share (of a GPU), checkpoint_seconds and
            progress_seconds (the least time between two of them), git_commit, versions.

    Raises:
        RuntimeError: memory does not suffice for a single member; what was stored before is stored.
    """
    torch.set_num_threads(1)
    if trial["cohort"] in plans:
        plan = plans[trial["cohort"]]
    else:
        runs = tuple(map(Run.from_dict, trial["runs"]))
        leg = Leg(trial["since"], trial["until"], tuple(trial["states"]))
        plan = CohortPlan(runs, 0, len(runs), trial["seconds"], leg)
    CohortTrial(plan, settings).run()


def planned(plan: CohortPlan) -> dict[str, Any]:
    """A cohort as plain values, for a trial of it that has no `plans`."""
    return {
        "cohort": plan.key,
        "runs": [run.to_dict() for run in plan.runs],
        "seconds": plan.seconds,
        "since": plan.since,
        "until": plan.until,
        "states": list(plan.leg.states if plan.leg else ()),
    }


class CohortTrial:
    """The cohort of a trial, in parts: one, unless memory does not hold it.

    Attributes:
        parts: what is not stored, in order; the first one is in training.
        diverged: members of stored parts that have diverged.
    """

    def __init__(self, plan: CohortPlan, settings: dict[str, Any]) -> None:
        self.plan = plan
        self.settings = settings
        self.store = Store(settings["directory"])
        self.parts = [plan]
        self.diverged = 0
        self.saved_at = self.reported_at = time.monotonic()

    def run(self) -> None:
        """Train and store every part that is not stored."""
        saved = tune.get_checkpoint()
        if saved is None:
            most = memory.fitting(self.plan.runs, self.settings["device"], self.settings["share"])
            self.parts = self.plan.split(most)
        else:
            with saved.as_directory() as directory:
                self._resume(directory)
        while self.parts:
            if not self.store.holds(self.parts[0].key):
                self._train_or_split(None)
            else:
                self.parts.pop(0)
        tune.report({**self._progress(0, 0), "stored": len(self.plan)})

    def _resume(self, directory: str) -> None:
        state = json.loads((Path(directory) / PARTS).read_text())
        self.parts = [replace(self.plan, start=a, stop=b) for a, b in state["parts"]]
        self.diverged = state["diverged"]
        if not self.store.holds(self.parts[0].key):
            self._train_or_split(directory)

    def _train_or_split(self, directory: str | None) -> None:
        """Train the first part, from a checkpoint's directory if there is one, and store it; or halve it."""
        part, started_at = self.parts[0], datetime.now(UTC)
        try:
            results = self._train(part, directory)
        except RuntimeError as error:
            if len(part) == 1 or not memory.exhausted(error):
                raise
            self.parts[:1] = part.split((len(part) + 1) // 2)
        else:
            origin = {name: self.settings[name] for name in ("device", "git_commit", "versions")}
            self.store.write(results, part.key, started_at=started_at, **origin)
            self.parts.pop(0)
            self.diverged += sum(result.diverged_at is not None for result in results)
        memory.release()  # here, where the error no longer holds the arrays of the part

    def _train(self, part: CohortPlan, directory: str | None) -> list[Result]:
        training = Training(part.runs, self.settings["device"], part.until)
        if directory is not None:
            checkpoint.load(training, directory)
        elif part.leg and part.leg.states:
            checkpoint.unpack(training, map(self.store.read_state, part.leg.states))
        while not training.finished:
            training.advance()
            if not training.finished:
                self._report(training)
        if part.until < part.budget:
            self.store.write_state(part.key, checkpoint.pack(training))
        return training.results()

    def _report(self, training: Training) -> None:
        """Tell Tune how far training is, with a checkpoint, if it is time for one."""
        now = time.monotonic()
        progress = self._progress(
            training.iteration, int((training.diverged_at[: len(training.runs)] > 0).sum())
        )
        if now - self.saved_at > self.settings["checkpoint_seconds"]:
            with tempfile.TemporaryDirectory() as directory:
                checkpoint.save(training, directory)
                left = {"parts": [(p.start, p.stop) for p in self.parts], "diverged": self.diverged}
                (Path(directory) / PARTS).write_text(json.dumps(left))
                tune.report(progress, checkpoint=tune.Checkpoint.from_directory(directory))
            self.saved_at = self.reported_at = time.monotonic()
        elif now - self.reported_at > self.settings["progress_seconds"] and training.evaluated:
            tune.report(progress)
            self.reported_at = now

    def _progress(self, iteration: int, diverged: int) -> dict[str, int]:
        """Iterations of the whole cohort, by its members, where the first part has done so many; and diverged."""
        left = sum(len(part) for part in self.parts)
        running = (
            len(self.parts[0]) * iteration + (left - len(self.parts[0])) * self.plan.since
            if self.parts
            else 0
        )
        done = (len(self.plan) - left) * self.plan.until + running
        return {"iteration": done // len(self.plan), "diverged": self.diverged + diverged}
