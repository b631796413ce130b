"""Training as the product does it, with a line in a log for each block of iterations: what is trained twice shows."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.execution import trial
from trainables.engine.training import Training

LOG = "DRILL_LOG"


def train_cohort(values: dict[str, Any], plans: Mapping[str, Any], settings: dict[str, Any]) -> None:
    """As `sweeps.execution.trial.train_cohort`, in the same worker."""
    trial.Training = Recorded  # type: ignore[misc]
    trial.train_cohort(values, plans, settings)


class Recorded(Training):
    """A training that says what it does."""

    def advance(self) -> None:
        since, started = self.iteration, time.time()
        super().advance()
        block = [started, time.time(), [run.key for run in self.runs], since, self.iteration, os.getppid()]
        with Path(os.environ[LOG]).open(
            "a"
        ) as stream:  # one write, in append mode: lines of workers do not mix
            stream.write(json.dumps(block) + "\n")


@dataclass(frozen=True)
class Block:
    """Iterations `since` to `until` of these runs, trained between two times in seconds since 1970.

    Attributes:
        node: process number of the raylet, which stands for its node.
    """

    started: float
    ended: float
    runs: tuple[str, ...]
    since: int
    until: int
    node: int


def blocks(log: Path) -> list[Block]:
    """Everything that was trained, in order of time; a line that a kill cut off is none."""
    lines = [line for line in log.read_text().splitlines() if line.endswith("]")] if log.exists() else []
    found = (Block(a, b, tuple(runs), *rest) for a, b, runs, *rest in map(json.loads, lines))
    return sorted(found, key=lambda block: block.ended)


def redone(trained: list[Block]) -> dict[tuple[str, float], float]:
    """(run, time at which a block began again) -> seconds of training that were done before and again."""
    where: dict[str, dict[int, float]] = defaultdict(dict)  # run -> iteration -> when it was first reached
    again = {}
    last: dict[str, Block] = {}
    for block in trained:
        for run in block.runs:
            before = last.get(run)
            if before and block.since < before.until:
                again[run, block.started] = before.ended - where[run].get(block.since, before.ended)
                where[run] = {
                    i: t for i, t in where[run].items() if i < block.since
                }  # whence it is counted anew
            where[run].setdefault(block.since, block.started)
            where[run][block.until] = block.ended
            last[run] = block
    return again
