"""The contenders that need no Ray, in turns: every round times all of them at every width and in the mix."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from infra.benchmarks import contenders
from infra.benchmarks.measurements import Measurement
from infra.benchmarks.scale import Scale
from infra.benchmarks.workers import Progress, Task, Timing, Workers
from infra.benchmarks.workload import FUSIBLE, MIX, Structure, cohort, sample, structure
from trainables.engine import cost
from trainables.runs import Run

FEW = len(FUSIBLE)
"""Contenders that train single runs take them from so many of a cohort: every fusible choice, one seed."""

Group = Sequence[Run]
"""Runs that one task trains: a cohort, or one run."""


class Rounds:
    """Times the contenders, each kind in processes of its own.

    Args:
        scale: how much of each.
        eager: processes for single runs.
        stacked: processes for hand-batched cohorts.
        engine: processes for this project's cohorts.
        engine_in_mix: whether this project's share of the mix is timed here, without Ray.
    """

    def __init__(
        self, scale: Scale, eager: Workers, stacked: Workers, engine: Workers, engine_in_mix: bool
    ) -> None:
        self.scale, self.eager, self.stacked, self.engine = scale, eager, stacked, engine
        self.engine_in_mix = engine_in_mix
        self.done = 0
        shapes = [structure(width) for width in scale.widths] + list(scale.mix if engine_in_mix else ())
        self.starts = {key: self._start(shape) for key, shape in {_key(s): s for s in shapes}.items()}

    def once(self) -> list[Measurement]:
        """One round."""
        self.done += 1
        return [m for width in self.scale.widths for m in self._width(width)] + self._mix()

    def _width(self, width: int) -> list[Measurement]:
        cohorts = self._cohorts(structure(width))
        runs = cohorts[0][:FEW]
        two, many = ([[run] for run in sample(runs, count)] for count in (2, max(2, self.scale.packed)))
        scope = str(width)
        before = self._products(width)
        engine = self._engine(scope, cohorts)
        product = self._product(scope, width, before + self._products(width))
        return [
            product,
            engine,
            self._stacked(scope, cohorts),
            self._alone(scope, two),
            self._packed(scope, many),
        ]

    def _mix(self) -> list[Measurement]:
        cohorts = [self._cohorts(shape)[0] for shape in self.scale.mix]
        each = math.ceil(self.scale.packed / len(cohorts))
        # By turns without and with dropout.
        few = [
            [run]
            for place, runs in enumerate(cohorts)
            for run in sample(runs[:FEW], 2 * each)[place % 2 :: 2]
        ]
        engine = [self._engine(MIX, cohorts)] if self.engine_in_mix else []
        return [*engine, self._stacked(MIX, cohorts), self._alone(MIX, few[::each]), self._packed(MIX, few)]

    def _alone(self, scope: str, groups: Sequence[Group]) -> Measurement:
        tasks = self._tasks(contenders.eager, groups, threads=self.scale.cores)
        return self._measured(
            "alone", scope, groups, [t for task in tasks for t in self.eager.run(task)], busy=1
        )

    def _packed(self, scope: str, groups: Sequence[Group]) -> Measurement:
        timings = self.eager.run(*self._tasks(contenders.eager, groups))
        return self._measured("packed", scope, groups, timings, self.eager.count)

    def _stacked(self, scope: str, groups: Sequence[Group]) -> Measurement:
        timings = self.stacked.run(*self._tasks(contenders.stacked, groups))
        return self._measured("stacked", scope, groups, timings, self.stacked.count)

    def _engine(self, scope: str, groups: Sequence[Group]) -> Measurement:
        timings = self.engine.run(*self._tasks(contenders.engine, groups))
        started = [
            replace(timing, built=timing.built + self.starts[group[0].configuration.structure])
            for group, timing in zip(groups, timings, strict=True)
        ]
        return self._measured("engine", scope, groups, started, self.engine.count)

    def _start(self, shape: Structure) -> float:
        """Seconds that a structure costs a process once: what its first block takes beyond the same block again."""
        tasks = self._tasks(contenders.engine, self._cohorts(shape), iterations=0)
        first, again = (fmean(t.built + t.seconds for t in self.engine.run(*tasks)) for _ in range(2))
        return max(0.0, first - again)

    def _products(self, width: int) -> list[Timing]:
        shape = structure(width)
        size = (self.scale.members, shape["batch_size"], width)
        task = Task(contenders.product, size, int(self.scale.product_flop / self._product_flop(width)))
        return self.engine.run(*[task] * self.engine.count)

    def _product(self, scope: str, width: int, timings: Sequence[Timing]) -> Measurement:
        flops = fmean(self._product_flop(width) * t.iterations / t.seconds for t in timings)
        iterations = timings[0].iterations
        return Measurement("product", scope, self.done, 0, iterations, 0.0, 0.0, flops * self.engine.count)

    def _product_flop(self, width: int) -> float:
        return 2.0 * self.scale.members * structure(width)["batch_size"] * width * width

    def _cohorts(self, shape: Structure) -> list[list[Run]]:
        """As many cohorts of a structure as are trained at once, each with seeds of its own."""
        scale = self.scale
        return [
            cohort(shape, scale.members, seed, scale.budget)
            for seed in range(0, scale.cohorts * scale.members, scale.members)
        ]

    def _tasks(
        self,
        start: Callable[[Group, str], Progress],
        groups: Sequence[Group],
        iterations: int | None = None,
        threads: int = 1,
    ) -> list[Task]:
        return [
            Task(
                start,
                (group,),
                self.scale.excerpt(group[0].configuration.width) if iterations is None else iterations,
                threads,
            )
            for group in groups
        ]

    def _measured(
        self, contender: str, scope: str, groups: Sequence[Group], timings: Sequence[Timing], busy: int
    ) -> Measurement:
        """Wall seconds per run when `busy` processes share the groups evenly."""
        runs = [run for group in groups for run in group]
        budget, busy = self.scale.budget, min(busy, len(groups))
        start_up = sum(t.built for t in timings)
        training = sum(budget * t.seconds / t.iterations for t in timings)
        arithmetic = sum(budget * cost.operations(run) for run in runs)
        return Measurement(
            contender,
            scope,
            self.done,
            len(runs),
            max(t.iterations for t in timings),
            (start_up + training) / busy / len(runs),
            start_up / busy / len(runs),
            arithmetic / training * busy,
        )


def _key(shape: Structure) -> tuple[object, ...]:
    return cohort(shape, 1)[0].configuration.structure
