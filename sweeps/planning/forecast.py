"""Forecasts the wall time of a study: its cohorts' arithmetic at the speed of these cores, and all that is not training."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.planning import schedule
from sweeps.planning.cohort_plans import CohortPlan, Missing
from sweeps.planning.slots import Slots
from trainables import objectives
from trainables.engine import cost
from trainables.engine.machine import speed
from trainables.runs import Run

BUSY_CORES = 0.2
"""Cores that the driver, the mirror and Ray take while trials train."""

TRIAL_SECONDS = 0.3
"""Time from a trial's last iteration to the next trial's first: rows are stored, Ray Tune starts a trial."""

START_SECONDS = 8.5
"""Time from the command to the first trial on a Zen 4 core: imports, Ray, workers."""

LOSS_SECONDS = 0.25
"""Time in which a worker traces the loss of one player and loads its code."""

END_SECONDS, END_SECONDS_PER_RUN = 5.5, 0.0035
"""Time from the last row to the end of the command on a Zen 4 core: the report, and the rest of the mirror."""


@dataclass(frozen=True)
class Forecast:
    """Expected times of a study on this machine, in seconds.

    Attributes:
        training: all runs, on one core.
        start: from the command to the first trial.
        trials: from the first trial to the last row.
        end: from the last row to the end of the command.
    """

    training: float
    start: float
    trials: float
    end: float

    @property
    def wall(self) -> float:
        """Seconds from the command to its end."""
        return self.start + self.trials + self.end


def of(todo: Missing, plans: Sequence[CohortPlan], cores: int, share: float = 1.0) -> Forecast:
    """Forecasts training on cores of this machine.

    Args:
        todo: runs to train.
        plans: the same runs in cohorts.
        cores: number of cores that train.
        share: fraction of the iterations that is trained if runs are halved.
    """
    if not plans:
        return Forecast(0.0, 0.0, 0.0, 0.0)
    here = Slots(cores, "cpu", {}, own=True)
    training = [share * seconds(plan, here) for plan in plans]
    trials = schedule.simulate([trial_seconds(s, cores) for s in training], cores).makespan
    slow = speed.of(plans[0].group[0], cores).python
    start = START_SECONDS + LOSS_SECONDS * losses(todo)
    return Forecast(sum(training), slow * start, trials, slow * end_seconds(len(todo)))


def seconds(plan: CohortPlan, slots: Slots) -> float:
    """Expected training time of a cohort on a slot; as planned on GPUs and clusters, whose speed is unknown."""
    if slots.device != "cpu" or not slots.own:
        return plan.seconds
    return plan.seconds * scale(plan.group[0], slots.count)


@functools.lru_cache(4096)
def scale(run: Run, cores: int) -> float:
    """Ratio of the run's time on a core here to that on the reference core of planning."""
    return cost.seconds(run, speed.of(run, cores)) / cost.seconds(run)


def trial_seconds(training: float, cores: int) -> float:
    """Time of a trial that would train for `training` seconds with a core to itself."""
    return training * cores / (cores - BUSY_CORES) + TRIAL_SECONDS


def end_seconds(runs: int) -> float:
    """Time from the last row to the end of the command on a Zen 4 core, with so many runs."""
    return END_SECONDS + END_SECONDS_PER_RUN * runs


def losses(todo: Missing) -> int:
    """Number of losses to compile: one per player, algorithm, data set and batch size."""
    different = set()
    for group in todo.groups:
        for run in itertools.islice(group, len(objectives.available())):
            players = objectives.find(run.algorithm).form.players
            different |= {(p, run.algorithm, run.data, run.configuration.batch_size) for p in players}
    return len(different)
