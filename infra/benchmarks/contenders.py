"""The ways to train that the benchmark compares, each as a training under way (`workers.Progress`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from infra.benchmarks import hand_batched, plain
from infra.benchmarks.workers import Progress
from infra.benchmarks.workload import config
from trainables.engine.training import Training
from trainables.runs import Run

PRODUCT_CALLS = 8
"""Products between two looks at how many are done."""


def eager(runs: Sequence[Run], device: str) -> Progress:
    """One run by itself."""
    (run,) = runs
    return (1 for _ in plain.train(config(run), device))


def stacked(runs: Sequence[Run], device: str) -> Progress:
    """A cohort as one model of hand-batched layers."""
    return (1 for _ in hand_batched.train([config(run) for run in runs], device))


def engine(runs: Sequence[Run], device: str) -> Progress:
    """A cohort as this project trains it."""
    return _blocks(Training(runs, device))


def _blocks(training: Training) -> Progress:
    while not training.finished:
        before = training.iteration
        training.advance()
        yield training.iteration - before


def product(members: int, batch: int, width: int, device: str) -> Progress:
    """Nothing but the batched product of a hidden layer: [M, batch, width] × [M, width, width]."""
    left = torch.randn(members, batch, width, device=device)
    right = torch.randn(members, width, width, device=device)
    return _products(left, right, torch.empty_like(left))


def _products(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> Progress:
    while True:
        for _ in range(PRODUCT_CALLS):
            torch.bmm(left, right, out=out)
        yield PRODUCT_CALLS
