"""Whether the parts of runs fit together, told before anything trains: in a moment, for runs that are alike once."""

from __future__ import annotations

from collections.abc import Iterable

from trainables import objectives
from trainables.engine import assemble, optimisation
from trainables.runs import Run


def check(runs: Iterable[Run]) -> None:
    """Raises ValueError where a run's network does not fit its objective and data set, or its optimiser computes no step."""
    seen: set[tuple[object, ...]] = set()
    for run in runs:
        what = (run.configuration.structure, objectives.find(run.algorithm).form.key, run.data, run.precision)
        if what not in seen:
            seen.add(what)
            form = objectives.find(run.algorithm).form.among(run.dataset)
            assemble.build(run.configuration, form, run.dataset, precision=run.precision)
            optimisation.check(run.configuration.part("optimiser"))
