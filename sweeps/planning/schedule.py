"""Simulates a study's schedule on many devices: its makespan, its efficiency, and the binding constraint.

Trials start in the order of the plan on the first device that is free, as Ray Tune does it. One driver
starts them and logs their results, at a limited rate each: beside the devices, that is what can bind.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.planning import cohort_plans
from sweeps.planning.cohort_plans import TRIALS_PER_SECOND
from trainables.iterations import EVALUATIONS
from trainables.runs import Run

RESULTS_PER_SECOND = 50.0
"""Results that Ray Tune logs per second, the lower end of 50 to 100: 1,000 trials that reported 100 a second for 100 s
took it 168 s (docs.ray.io, Scalability and Overhead Benchmarks for Ray Tune)."""

PROGRESS_PER_SECOND = 10.0
"""Upper bound on progress results per second of all trials together: final results find the driver free on any number of devices."""

SILENT_SECONDS = 10.0
"""Time after which a trial reports its progress, evaluated or not; time left depends on it."""

CHECKPOINT_SECONDS = 60.0
"""Time between the checkpoints of a trial; each comes with a result."""

COST_ERROR = 0.4
"""Relative error of the durations that a schedule is tried with: more than of the cost model where it was measured
(`trainables.engine.cost.seconds`), for devices that are shared, or not the one that it was measured on."""


@dataclass(frozen=True)
class Schedule:
    """Result of a simulation.

    Attributes:
        devices: trials that run at once.
        trials: number of trials.
        makespan: seconds from the first start to the last result.
        bounds: constraint -> lower bound on the makespan in seconds: the work shared by
            the 'devices', the 'longest trial', the 'starts' of trials, the logging of 'results'.
    """

    devices: int
    trials: int
    makespan: float
    bounds: dict[str, float]

    @property
    def ideal(self) -> float:
        """Seconds with evenly shared work and no bookkeeping."""
        return self.bounds["devices"]

    @property
    def efficiency(self) -> float:
        """Ratio of the ideal to the makespan."""
        return self.share("devices")

    @property
    def binds(self) -> str:
        """Name of the largest bound."""
        return max(self.bounds, key=lambda name: self.bounds[name])

    def share(self, bound: str) -> float:
        """Ratio of a bound to the makespan; 1 if there is nothing to do."""
        return self.bounds[bound] / self.makespan if self.makespan else 1.0


def simulate(
    seconds: Iterable[float],
    devices: int,
    trials_per_second: float = TRIALS_PER_SECOND,
    results_per_second: float = RESULTS_PER_SECOND,
) -> Schedule:
    """Simulates greedy list scheduling of trials by a driver that starts and logs them one after another.

    A trial's results are logged together when it ends, and its device is free when they are.

    Args:
        seconds: training time of each trial, in the order in which they start.
        devices: trials that run at once.
        trials_per_second: starts of trials; math.inf for no limit.
        results_per_second: logged results; math.inf for no limit.

    Raises:
        ValueError: devices < 1.
    """
    if devices < 1:
        raise ValueError(f"devices must be >= 1, got {devices}")
    running: list[tuple[float, int]] = []  # when a trial ends, and the results it then has
    started = logged = work = longest = 0.0
    trials = results = 0

    def log_next() -> float:
        end, count = heapq.heappop(running)
        return max(logged, end) + count / results_per_second

    for duration in seconds:
        free = 0.0
        if len(running) == devices:
            free = logged = log_next()
        started = max(started, free) + 1 / trials_per_second
        count = results_of(duration, devices)
        heapq.heappush(running, (started + duration, count))
        work, longest, trials, results = work + duration, max(longest, duration), trials + 1, results + count
    while running:
        logged = log_next()
    bounds = {
        "devices": work / devices,
        "longest trial": longest,
        "starts": trials / trials_per_second,
        "results": results / results_per_second,
    }
    return Schedule(devices, trials, logged, bounds)


def as_planned(run: Run) -> float:
    """Returns 1 for every run: the device is as fast as the reference core of planning."""
    return 1.0


def progress_seconds(devices: int) -> float:
    """Shortest time between two progress results of one trial."""
    return devices / PROGRESS_PER_SECOND


def results_of(seconds: float, devices: int) -> int:
    """Upper bound on results that a trial of this duration reports: progress, checkpoints and the last one."""
    least = progress_seconds(devices)
    progress = max(min(EVALUATIONS - 1, int(seconds / least)), int(seconds / max(least, SILENT_SECONDS)))
    return progress + int(seconds / CHECKPOINT_SECONDS) + 1


def one_run_per_trial(
    todo: cohort_plans.Missing, scale: Callable[[Run], float] = as_planned
) -> Iterator[float]:
    """Durations with one trial per run, longest first, if a run alone were as fast as in a cohort."""
    groups = sorted(todo.groups, key=lambda group: -group.seconds)
    return itertools.chain.from_iterable(
        itertools.repeat(group.seconds * scale(group[0]), len(group)) for group in groups
    )


def misjudged(seconds: Iterable[float], error: float = COST_ERROR, seed: int = 0) -> list[float]:
    """Draws actual durations: log-normal around the expected ones, with the same mean.

    Args:
        seconds: expected durations, [trials].
        error: one standard deviation is a factor of 1 + error; 0 for none.
        seed: the draw's.
    """
    expected = np.fromiter(seconds, dtype=np.float64)
    deviation = math.log1p(error)
    factors = np.random.default_rng(seed).lognormal(-(deviation**2) / 2, deviation, len(expected))
    durations: list[float] = (expected * factors).tolist()
    return durations


def table(
    todo: cohort_plans.Missing, devices: Sequence[int], scale: Callable[[Run], float] = as_planned
) -> tuple[str, list[Schedule]]:
    """Table of cohorts against one run per trial on each number of devices, as text; and the cohorts' schedules.

    Beside the makespan and its efficiency: the efficiency where durations are misjudged by COST_ERROR, and
    the shares of the makespan in which the driver starts trials and logs results.

    Args:
        todo: the runs.
        devices: numbers of them.
        scale: time of a run on such a device over the planned one.

    Raises:
        ValueError: a number of devices is < 1.
    """
    error = f"±{COST_ERROR:.0%}"
    lines = [
        f"{'devices':>7} {'a trial is':<10} {'trials':>9} {'ideal':>10} {'makespan':>10}"
        f" {'efficiency':>10} {error:>6} {'starting':>8} {'logging':>7}  binds"
    ]
    schedules = []
    for count in devices:
        cohorts = [plan.seconds * scale(plan.group[0]) for plan in cohort_plans.cut(todo, count)]
        for name, expected in (("a cohort", cohorts), ("a run", list(one_run_per_trial(todo, scale)))):
            planned, actual = simulate(expected, count), simulate(misjudged(expected), count)
            schedules += [planned] if name == "a cohort" else []
            starting, logging = (planned.share(driver) for driver in ("starts", "results"))
            lines.append(
                f"{count:>7,} {name:<10} {planned.trials:>9,} {planned.ideal / 3600:>8.2f} h {planned.makespan / 3600:>8.2f} h"
                f" {planned.efficiency:>10.1%} {actual.efficiency:>6.1%} {starting:>8.0%} {logging:>7.0%}  {planned.binds}"
            )
    return "\n".join(lines) + "\n", schedules
