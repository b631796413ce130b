"""What a study would do here and how long it would take, on paper."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from rich.console import Console

from sweeps.planning import cohort_plans, cores, forecast, schedule, surroundings
from sweeps.planning.cohort_plans import CohortPlan
from sweeps.planning.remaining import words
from sweeps.store.kept_models import ALL, NONE
from sweeps.strategies.halved_grid import HalvedGrid
from sweeps.study.grid import Grid
from trainables import objectives
from trainables.engine import cost
from trainables.engine.native import build


def show(
    declared: Grid,
    finished: AbstractSet[str],
    halved: HalvedGrid | None,
    devices: Sequence[int] | None,
    kept: str,
    console: Console,
    keep: str = NONE,
) -> None:
    """Print the runs, their cohorts and their cost, and what halving and other numbers of devices make of it.

    Args:
        declared: the runs of the study.
        finished: keys of those that need no training.
        halved: the same grid, where it is halved.
        devices: numbers of devices to simulate; None for none.
        kept: words for what is stored of other versions, or ''.
        console: where to print it.
        keep: models to keep (`kept_models.KEEP`).

    Raises:
        ValueError: a number of devices is < 1.
    """
    available = cores.available()
    todo = cohort_plans.missing(declared, finished)
    scale = functools.partial(forecast.scale, cores=available)
    simulated, schedules = schedule.table(todo, devices, scale) if devices else ("", [])
    plans = cohort_plans.cut(todo, available)
    expected = forecast.of(todo, plans, available, halved.share if halved else 1.0)
    console.print(
        f"runs      {len(declared)} declared, {len(declared) - len(todo)} stored, {len(todo)} to train"
    )
    if without := [name for name in declared.algorithms if not objectives.find(name).lam]:
        console.print(f"no λ      {', '.join(without)}: trained once, whatever the values of λ")
    if kept:
        console.print(f"kept      {kept}")
    sizes = [len(plan) for plan in plans]
    console.print(f"cohorts   {len(plans)}" + (f" of {min(sizes)} to {max(sizes)} runs" if sizes else ""))
    console.print(
        f"cost      about {expected.training / 60:.1f} core-minutes of training; {words(expected.wall)} on the {available} cores "
        f"here, {words(expected.start + expected.end)} of it for the start and the report"
    )
    if plans:
        most = max(cost.bytes_of(plan.group[0], len(plan)) for plan in plans)
        console.print(
            f"memory    about {most / 1e6:.0f} MB of a core's largest cohort, beside torch's and the data's"
        )
    if keep != NONE and plans:
        console.print(f"keep      {_models(plans, keep)}")
    if slower := build.missing():
        console.print(f"warning: {slower}")
    if halved:
        console.print(f"halving   {halved.plan()}")
    console.print(simulated, end="")
    if schedules:
        console.print(surroundings.table(len(todo), schedules), end="")


def _models(plans: Sequence[CohortPlan], keep: str) -> str:
    """The size of the models that are kept, in words: at most, for those that diverge have none."""
    sizes = [cost.bytes_of_model(plan.group[0]) for plan in plans]  # of one structure
    if keep == ALL:
        total = sum(size * len(plan) for size, plan in zip(sizes, plans, strict=True))
        return f"about {total / 1e6:.1f} MB of {sum(map(len, plans)):,} models, less those that diverge"
    largest: dict[tuple[str, float], int] = {}
    during = 0
    for size, plan in zip(sizes, plans, strict=True):
        groups = {(run.algorithm, run.lam) for run in plan.runs}
        during += size * len(groups)
        largest |= {group: max(largest.get(group, 0), size) for group in groups}
    end = sum(largest.values())
    return f"at most {end / 1e6:.1f} MB of {len(largest):,} models, and {during / 1e6:.1f} MB until the study's end"
