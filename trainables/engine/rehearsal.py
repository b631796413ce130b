"""Tries parts together in a moment, before anything trains: networks and optimisers of runs, and somebody's own metrics."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from trainables import datasets, metrics, objectives
from trainables.engine import assemble, optimisation
from trainables.engine.cohort import Cohort
from trainables.engine.evaluation import Evaluation, NotScalarError
from trainables.metrics.base import Metric
from trainables.runs import Configuration, Run

TINY = Configuration(
    depth=1,
    width=32,
    critic_depth=1,
    batch_size=32,
    steps=1,
    learning_rate=1e-3,
    beta1=0.5,
    critic_dropout=0.0,
)


def rehearse(further: Iterable[str], algorithms: Iterable[str], data: str) -> None:
    """Takes every metric that is not of this project once, of each form among the algorithms.

    Args:
        further: import paths of metrics beside those that are available.
        algorithms: names of objectives.
        data: name of a data set.

    Raises:
        ValueError: a metric is none, fails, or returns no scalar of floating point; in one line.
    """
    taken = metrics.applicable(datasets.find(data), further)
    foreign = [metric for metric in taken.values() if metric.foreign]
    of_form = {objectives.find(name).kind: name for name in algorithms} if foreign else {}
    for algorithm in of_form.values():
        runs = [Run("rehearsal", algorithm, 0.0, seed, TINY, 1, data=data) for seed in range(2)]
        cohort = Cohort(runs, torch.device("cpu"), native=False)
        for metric in foreign:
            _take(metric, cohort)


def check(runs: Iterable[Run]) -> None:
    """Raises ValueError where a run's network does not fit its objective and data set, or its optimiser computes no step.

    Runs that are alike are checked once.
    """
    seen: set[tuple[object, ...]] = set()
    for run in runs:
        form = objectives.find(run.algorithm).form
        what = (run.configuration.structure, form.key, run.data, run.precision)
        if what not in seen:
            seen.add(what)
            assemble.build(run.configuration, form.among(run.dataset), run.dataset, precision=run.precision)
            optimisation.check(run.configuration.part("optimiser"))


def _take(metric: Metric, cohort: Cohort) -> None:
    try:
        with torch.inference_mode():
            evaluation = Evaluation(cohort, [metric.reference])
            evaluation(cohort)
            evaluation.alone(cohort, np.ones(len(cohort), dtype=bool), last=True)
    except NotScalarError:
        raise
    except Exception as error:  # whatever somebody else's metric raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        raise ValueError(f"the metric {metric.reference} must be a number of every model that it applies to, but of one of "
                         f"{cohort.runs[0].algorithm} on {cohort.runs[0].data} it is none ({reason}); declare what it needs, or correct it") from error  # fmt: skip
