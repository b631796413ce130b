"""The one training loop: a cohort from its first iteration to its results."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from trainables.engine.cohort import Cohort
from trainables.engine.evaluation import SAMPLES, Evaluation
from trainables.engine.machine import arithmetic
from trainables.engine.machine.allocator import keep_freed_memory
from trainables.engine.native import convolutions
from trainables.engine.prefetch import Blocks
from trainables.engine.traced import choice
from trainables.iterations import BLOCK, evaluated_every
from trainables.models import pictures
from trainables.networks.precision import applied
from trainables.runs import Run

DIVERGENCE_BOUND = 1e6
"""A run has diverged when a player's loss is not finite or exceeds this in magnitude, or when a metric
is not finite at an evaluation and may not be infinite. The embedded study's mean losses stay below 50."""

VERSION = 2
"""Version of states: in 2, state of optimisers and networks is kept by name."""


@dataclass(frozen=True)
class Result:
    """What one run came to.

    Attributes:
        run: what was trained.
        diverged_at: the iteration, counted from 1, at which it was found to have diverged, or None.
        iterations: iterations trained.
        metrics: metrics at its last evaluation by name; None if it diverged.
        curve: one dictionary per evaluation: iteration, metrics, mean losses since the last one; a value
            that is not finite is None.
        samples: generated points [256, 2], float32; empty if it diverged or was stopped, or they are images too large (`pictures.points_kept`).
        train_seconds: its share of the training time of the cohorts it was in.
        pictures: kind -> uint8 array, as of `Evaluation.pictures`; empty if it diverged or was stopped, or its data are no images.
    """

    run: Run
    diverged_at: int | None
    iterations: int
    metrics: dict[str, float] | None
    curve: list[dict[str, float | int | None]]
    samples: np.ndarray
    train_seconds: float
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        """Whether it was left before its budget was spent, and had not diverged."""
        return self.diverged_at is None and self.iterations < self.run.budget


class Training:
    """A cohort in training. `advance` it until `finished`, then take its `results`.

    Args:
        runs: the members: one structure, one budget.
        device: torch device name, such as 'cpu' or 'cuda'.
        until: iterations after which to leave the runs; an evaluation, or their budget, which is the default.
        metrics: names or import paths of those that are taken, as far as the runs have them; None for all available.

    Attributes:
        iteration: iterations done.
        diverged_at: per member, [M]: the iteration at which it diverged, or 0.
        arithmetic: by which it is and was trained (`trainables.engine.machine.arithmetic`).

    Raises:
        ValueError: `until` is no evaluation of theirs, or there is no such metric.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        device: str = "cpu",
        until: int | None = None,
        metrics: Sequence[str] | None = None,
    ) -> None:
        keep_freed_memory()
        self.runs = tuple(runs)
        self.cohort = Cohort(self.runs, torch.device(device))
        if len(self.runs) == 1 and self.cohort.fused and not self.cohort.native:
            # Libraries treat a batch of one matrix as a matrix, with other kernels and so other bits:
            # on torch's operations, a run that trains alone trains beside its own double.
            self.cohort = Cohort(self.runs * 2, torch.device(device))
        if not self.cohort.fused and self.cohort.device.type == "cuda":
            self.cohort.vectorised = choice.together(self.cohort)
        members = self.cohort.runs
        self.blocks = Blocks(members, ahead=self.cohort.device.type != "cpu")
        self.evaluation = Evaluation(self.cohort, metrics)
        self.budget = members[0].budget
        self.evaluate_every = evaluated_every(self.budget)
        self.until = self.budget if until is None else until
        if self.until != self.budget and (
            self.until % self.evaluate_every or not 0 < self.until < self.budget
        ):
            raise ValueError(f"until must be a multiple of {self.evaluate_every}, at which runs of {self.budget} "
                             f"iterations are evaluated, got {until}")  # fmt: skip
        self.iteration = 0
        self.diverged_at = np.zeros(len(members), dtype=np.int64)
        self.curves: list[list[dict[str, Any]]] = [[] for _ in members]
        self.losses = {player: np.zeros(len(members)) for player in self.cohort.form.players}
        self.counted = 0
        self.seconds = np.zeros(len(members))
        self._points = np.empty((len(members), 0, 2), dtype=np.float32)
        self.arithmetic = arithmetic.of(self.cohort, self.evaluation.recogniser)

    @property
    def finished(self) -> bool:
        """Whether all iterations are done or every member has diverged."""
        return self.iteration >= self.until or bool(self.diverged_at.all())

    @property
    def evaluated(self) -> bool:
        """Whether the last `advance` ended with an evaluation."""
        return bool(self.curves[0]) and self.curves[0][-1]["iteration"] == self.iteration

    def advance(self) -> None:
        """Train one block of iterations, and evaluate if it is time."""
        started = time.perf_counter()
        # A dead unit's moments decay into denormals, which a CPU handles a hundred times slower.
        torch.set_flush_denormal(True)
        with torch.inference_mode():
            self._train_block()
        if self.iteration % self.evaluate_every == 0 or self.finished:
            self.evaluate()
        self.seconds += (time.perf_counter() - started) / len(self.runs)

    def evaluate(self) -> None:
        """Add a point to every curve: metrics of the networks as they are, and mean losses since the last point."""
        torch.set_flush_denormal(True)
        with torch.inference_mode(), self._convolutions():
            self._evaluate()

    def results(self) -> list[Result]:
        """One result per member, in order. Raises RuntimeError before `finished`."""
        if not self.finished:
            raise RuntimeError(
                f"results need all {self.until} iterations, {self.iteration} are done: advance first"
            )
        results = []
        whole = self.iteration >= self.budget and not self.diverged_at.all()
        drawn = self._pictures() if whole else [{} for _ in self.runs]
        kept = pictures.points_kept(self.cohort.dataset, SAMPLES) if whole else 0
        for m, run in enumerate(self.runs):
            diverged_at = int(self.diverged_at[m]) or None
            final = self.curves[m][-1]
            results.append(
                Result(
                    run=run,
                    diverged_at=diverged_at,
                    iterations=diverged_at or self.iteration,
                    metrics=None
                    if diverged_at
                    else {
                        metric.name: final[metric.name]
                        for metric in self.evaluation.metrics
                        if metric.name in final
                    },
                    curve=self.curves[m],
                    samples=self._points[m, : 0 if diverged_at else kept],
                    train_seconds=float(self.seconds[m]),
                    pictures={} if diverged_at else drawn[m],
                )
            )
        return results

    def state_dict(self) -> dict[str, Any]:
        """Everything that training has changed: tensors and plain values. Random streams need no saving."""
        optimisers = {
            name: {
                "parameters": o.parameters,
                "state": o.state,
                "buffers": self.cohort.buffers[name],
                "taken": o.taken,
            }
            for name, o in self.cohort.optimisers.items()
        }
        return {
            "version": VERSION,
            "runs": [run.key for run in self.runs],
            "arithmetic": self.arithmetic,
            "iteration": self.iteration,
            "optimisers": optimisers,
            "diverged_at": torch.from_numpy(self.diverged_at),
            "curves": self.curves,
            "losses": {player: torch.from_numpy(total) for player, total in self.losses.items()},
            "counted": self.counted,
            "seconds": torch.from_numpy(self.seconds),
            "points": torch.from_numpy(self._points),
        }

    def load_state_dict(self, *states: dict[str, Any]) -> None:
        """Continue from `state_dict`s that hold its runs between them, of whatever cohorts, all at one iteration.

        Raises ValueError if a run is in none of them, their iterations differ, or they are of another version.
        """
        if other := {state.get("version", 1) for state in states} - {VERSION}:
            raise ValueError(
                f"a checkpoint must be of version {VERSION}, got {', '.join(map(str, sorted(other)))}; its runs begin anew"
            )
        where = {key: (state, m) for state in states for m, key in enumerate(state["runs"])}
        missing = [run.key for run in self.runs if run.key not in where]
        if missing:
            raise ValueError(f"a checkpoint must be of the same runs, got one of {list(where)} for {missing}")
        places = [where[run.key] for run in self.cohort.runs]
        first = places[0][0]
        if any(state["iteration"] != first["iteration"] for state, _ in places):
            raise ValueError(
                f"checkpoints must be of one iteration, got {sorted({s['iteration'] for s, _ in places})}"
            )
        for name, optimiser in self.cohort.optimisers.items():
            arrays = {"state": optimiser.state, "buffers": self.cohort.buffers[name]}
            for m, (state, place) in enumerate(places):
                stored = state["optimisers"][name]
                optimiser.parameters[m].copy_(stored["parameters"][place])
                for what, named in arrays.items():
                    for key, mine in named.items():
                        mine[m].copy_(stored[what][key][place])
            optimiser.taken = first["optimisers"][name]["taken"]
        self.iteration, self.counted = first["iteration"], first["counted"]
        # States of earlier versions do not say it.
        self.arithmetic = arithmetic.joined([s.get("arithmetic", {}) for s, _ in places], self.arithmetic)
        self.diverged_at = _stacked(state["diverged_at"][m] for state, m in places)
        self.seconds = _stacked(state["seconds"][m] for state, m in places)
        self.curves = [list(state["curves"][m]) for state, m in places]
        self.losses = {p: _stacked(state["losses"][p][m] for state, m in places) for p in self.losses}
        self._points = _stacked(state["points"][m][:SAMPLES] for state, m in places)

    def _pictures(self) -> list[dict[str, np.ndarray]]:
        torch.set_flush_denormal(True)
        with torch.inference_mode():
            return self.evaluation.pictures(self.cohort)

    def _convolutions(self) -> contextlib.AbstractContextManager[object]:
        """What computes the convolutions of networks as they are evaluated."""
        native = self.cohort.kernels and not self.cohort.fused
        return convolutions.Applied() if native else contextlib.nullcontext()

    def _train_block(self) -> None:
        iterations = min(BLOCK, self.until - self.iteration)
        block = self.blocks.take(self.iteration // BLOCK, last=self.iteration + iterations == self.until)
        updates = self.cohort.form.updates(self.cohort.configuration.steps)
        schedule = [(player, i) for i in range(iterations) for player in updates]
        with applied(self.cohort.precision):
            losses = self.cohort.train(block, schedule).unflatten(0, (iterations, -1))
        self._find_divergence(losses.cpu().numpy())
        self.iteration += iterations

    def _find_divergence(self, losses: np.ndarray) -> None:
        """Mark the members whose losses [iterations, updates, M] left the bound, and add up the means."""
        with np.errstate(invalid="ignore", over="ignore"):
            bad = ~(np.abs(losses) <= DIVERGENCE_BOUND).all(axis=1)
            # One column is added up in another order than many: beside its double it is not.
            wide = np.repeat(losses, 2, axis=2) if losses.shape[2] == 1 else losses
            players = np.array(self.cohort.form.updates(self.cohort.configuration.steps))
            for player, total in self.losses.items():
                total += wide[:, players == player].mean(axis=1).sum(axis=0)[: len(self.cohort)]
        self.counted += len(losses)
        first = self.iteration + 1 + bad.argmax(axis=0)
        self.diverged_at = np.where((self.diverged_at == 0) & bad.any(axis=0), first, self.diverged_at)

    def _evaluate(self) -> None:
        last = self.iteration >= self.budget
        values, self._points = self.evaluation(self.cohort, last)
        values |= self.evaluation.alone(self.cohort, self.diverged_at == 0, last)
        if self.counted:
            values |= {f"{player}_loss": total / self.counted for player, total in self.losses.items()}
        taken = [
            (values[metric.name], metric.infinite)
            for metric in self.evaluation.metrics
            if metric.name in values
        ]
        sound = [np.isfinite(value) | (np.isposinf(value) & infinite) for value, infinite in taken]
        finite = np.all(sound, axis=0) if sound else np.ones(len(self.cohort), dtype=bool)
        self.diverged_at = np.where((self.diverged_at == 0) & ~finite, self.iteration, self.diverged_at)
        for m, curve in enumerate(self.curves):
            point = {name: float(v[m]) if np.isfinite(v[m]) else None for name, v in values.items()}
            curve.append({"iteration": self.iteration, **point})
        self.losses = {player: np.zeros(len(self.cohort)) for player in self.losses}
        self.counted = 0


def _stacked(members: Iterable[torch.Tensor]) -> np.ndarray:
    return torch.stack(list(members)).numpy()
