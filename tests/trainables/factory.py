"""Small runs for tests: one structure, every fusible hyper-parameter different."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor

from trainables import datasets, objectives
from trainables.configurations import Configuration
from trainables.datasets import domains
from trainables.datasets.base import DataSet
from trainables.engine.training import Result, Training
from trainables.runs import Run

WITHOUT_FILES = [name for name in datasets.available() if not datasets.reads_files(name)]
"""The data sets that are always here."""

SMALL = Configuration(
    depth=2,
    width=32,
    critic_depth=2,
    batch_size=64,
    steps=2,
    learning_rate=1e-3,
    beta1=0.5,
    critic_dropout=0.0,
)


def home(algorithm: str) -> str:
    """The toy data; of a system that cannot be trained on them, the first data set that it can be trained on."""
    for data in ("mixture5", *WITHOUT_FILES):
        with contextlib.suppress(ValueError):
            objectives.check(algorithm, data)
            return data
    return "mixture5"


def rows_of(data: DataSet, count: int) -> Tensor:
    """Rows of the first training points of each domain."""
    numbers = torch.arange(count).expand(len(data.domains), count)
    return domains.rows(data, [domain.stored for domain in data.domains], numbers)


def run(
    algorithm: str = "svae_r",
    lam: float = 0.1,
    seed: int = 0,
    budget: int = 60,
    precision: str = "float32",
    **changes: Any,
) -> Run:
    """A run of the small configuration with `changes`."""
    return Run(
        "test",
        algorithm,
        lam,
        seed,
        SMALL.changed(**changes),
        budget,
        precision=precision,
        data=home(algorithm),
    )


def different_runs(budget: int = 60, **structure: Any) -> list[Run]:
    """Eight runs that differ in algorithm, λ, seed, rate, β1, dropout and, two of them, in weight decay, and agree in structure."""
    table = [
        ("svae_r", 0.1, 0, 1e-3, 0.5, 0.0),
        ("alice", 0.1, 0, 1e-3, 0.5, 0.0),
        ("svae_r", 1.0, 1, 3e-4, 0.9, 0.2),
        ("alice", 0.0, 2, 1e-4, 0.5, 0.2),
        ("svae", 0.0, 3, 1e-3, 0.9, 0.0),
        ("ali", 0.0, 4, 1e-3, 0.5, 0.3),
        ("alice", 10.0, 5, 1e-4, 0.9, 0.1),
        ("svae_r", 0.01, 6, 2e-3, 0.0, 0.5),
    ]
    return [
        run(
            a,
            lam,
            seed,
            budget,
            learning_rate=lr,
            beta1=b1,
            critic_dropout=p,
            weight_decay=0.5 * (seed == 1) + (seed == 4),
            **structure,
        )
        for a, lam, seed, lr, b1, p in table
    ]


def train(
    runs: list[Run], device: str = "cpu"
) -> tuple[dict[str, Result], dict[str, dict[str, torch.Tensor]]]:
    """Results and final parameters (network -> [P]) by run key."""
    training = Training(runs, device)
    while not training.finished:
        training.advance()
    results = {result.run.key: result for result in training.results()}
    weights = {
        r.key: {name: flat[m].cpu().clone() for name, flat in training.cohort.parameters.items()}
        for m, r in enumerate(runs)
    }
    return results, weights
