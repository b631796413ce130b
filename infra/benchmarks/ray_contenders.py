"""The contenders that need Ray: whole runs, between the rounds of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from infra.benchmarks import tune_trials
from infra.benchmarks.measurements import Measurement
from infra.benchmarks.scale import Scale
from infra.benchmarks.workload import MIX, cohort, sample, structure
from trainables.engine import cost
from trainables.runs import Run

PLACES = (0, 11)
"""Members of each cohort of the mix that are trained one per trial, before and after this project: sVAE-r
without dropout, ALICE with it. Contenders that pay by the run need not train them all."""


def widths(scale: Scale) -> list[Measurement]:
    """One run per trial at every width."""
    with tune_trials.local_ray(scale.cores):
        return [measurement for width in scale.widths for measurement in _width(scale, width)]


def mix(scale: Scale) -> list[Measurement]:
    """The study's mix: by this project, between two halves of one run per trial."""
    cohorts = [cohort(shape, scale.members, budget=scale.budget) for shape in scale.mix]
    whole = [run for runs in cohorts for run in runs]
    with tune_trials.local_ray(scale.cores):
        measured = _half(scale, cohorts, 0)
    measured.append(_timed("engine", MIX, 1, whole, tune_trials.project))
    with tune_trials.local_ray(scale.cores):
        return measured + _half(scale, cohorts, 1)


def _width(scale: Scale, width: int) -> list[Measurement]:
    runs = cohort(structure(width), scale.members, budget=scale.budget)
    few, scope = sample(runs, scale.trials(width)), str(width)
    measured = [
        _timed("plain", scope, 1, few, partial(_trials, scale)),
        _timed("reused", scope, 1, few, partial(_trials, scale, reuse_actors=True)),
    ]
    if width == scale.widths[0]:
        measured.append(_timed("quiet", scope, 1, few, partial(_trials, scale, loggers=False)))
    return measured


def _half(scale: Scale, cohorts: Sequence[Sequence[Run]], half: int) -> list[Measurement]:
    runs = [members[PLACES[half] % len(members)] for members in cohorts]
    return [
        _timed(name, MIX, half + 1, runs, partial(_trials, scale, reuse_actors=name == "reused"))
        for name in ("plain", "reused")
    ]


def _trials(scale: Scale, runs: Sequence[Run], reuse_actors: bool = False, loggers: bool = True) -> float:
    return tune_trials.one_run_per_trial(runs, scale.cores, reuse_actors, loggers)


def _timed(
    contender: str, scope: str, repetition: int, runs: Sequence[Run], train: Callable[[Sequence[Run]], float]
) -> Measurement:
    seconds = train(runs)
    arithmetic = sum(run.budget * cost.operations(run) for run in runs)
    budget = runs[0].budget
    return Measurement(
        contender, scope, repetition, len(runs), budget, seconds / len(runs), 0.0, arithmetic / seconds
    )
