"""Trains the stages that a strategy yields."""

from __future__ import annotations

from rich.console import Console

from sweeps.execution import resume, tuner
from sweeps.execution.progress import StudyProgress
from sweeps.planning import cohort_plans
from sweeps.planning.slots import Slots
from sweeps.planning.stages import cohorts
from sweeps.store.kept_models import NONE
from sweeps.store.store import Store
from sweeps.strategies.base import Strategy


def train(strategy: Strategy, store: Store, slots: Slots, console: Console, keep: str = NONE) -> list[str]:
    """Trains the runs of a strategy, and keeps models of them (`kept_models.KEEP`); returns the errors of cohorts that were lost for good.

    Raises:
        Fenced: another driver has taken the store's lease.
    """
    strategy.begin(console)
    if not strategy.todo:
        return []
    if strategy.at_once:  # trials then find their runs among all plans, which Ray stores once
        begun = resume.begun(store, store.finished()) if store.begun() else {}
        plans = [plan for stage in strategy.stages() for plan in cohorts(stage, slots, begun=begun)]
        plans = cohort_plans.shortest_first(plans, slots.count)
        return tuner.train(store, plans, strategy.already, slots, console, strategy.sampler, keep)
    progress = StudyProgress(
        strategy.counted, strategy.trainings, console, slots, strategy.unit, strategy.may_end
    )
    errors = tuner.train_stages(store, strategy.stages(), progress, slots, strategy.sampler, keep)
    strategy.settle()
    return errors
