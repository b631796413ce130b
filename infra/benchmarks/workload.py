"""What the benchmark trains: runs of the toy robustness study, by width and as its mix.

Declared again rather than taken from `sweeps.toy_robustness`, which needs more than torch and numpy;
a test holds the two together.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from trainables.runs import Configuration, Run

STUDY = "toy_robustness"
LAMBDA = 0.1
BUDGET = 300
"""Iterations of a run: the study's embedded preset."""

WIDTHS = (32, 64, 128, 256)
MIX = "mix"
"""The study's own mixture of structures, as a heading beside the widths."""

Structure = Mapping[str, int]

MIX_STRUCTURES: tuple[Structure, ...] = tuple(
    {"width": width, "depth": depth, "critic_depth": critic_depth, "steps": steps, "batch_size": batch_size}
    for width in (32, 64, 128)
    for depth, critic_depth, steps, batch_size in ((2, 3, 5, 64), (3, 2, 1, 128), (2, 2, 5, 128))
)
"""Three structures per width; every level of every structural hyper-parameter is among them."""

FUSIBLE = tuple(itertools.product((1e-4, 3e-4, 1e-3), (0.5, 0.9), (0.0, 0.2), ("svae_r", "alice")))
"""Every learning rate, β1, critic's dropout and algorithm: 24, as many as a cohort has members on a CPU."""


def structure(width: int) -> Structure:
    """The structure that stands for a width: the released ALICE code's, but for the width."""
    return {"width": width, "depth": 2, "critic_depth": 2, "steps": 5, "batch_size": 128}


def cohort(shape: Structure, members: int = len(FUSIBLE), seed: int = 0, budget: int = BUDGET) -> list[Run]:
    """`members` runs of one structure: every fusible choice with `seed`, then with the next one, …"""
    runs = []
    for place in range(members):
        rate, beta1, dropout, algorithm = FUSIBLE[place % len(FUSIBLE)]
        chosen = Configuration(learning_rate=rate, beta1=beta1, critic_dropout=dropout, **shape)
        runs.append(Run(STUDY, algorithm, LAMBDA, seed + place // len(FUSIBLE), chosen, budget))
    return runs


def sample(runs: list[Run], count: int, offset: int = 0) -> list[Run]:
    """`count` of a cohort's runs, spread over it by an odd stride: an even one would meet one algorithm alone."""
    stride = len(runs) // count - 1 | 1
    return runs[offset::stride][:count]


def config(run: Run) -> dict[str, Any]:
    """A run as one flat dictionary, as a user of Ray Tune would have it."""
    return {
        "algorithm": run.algorithm,
        "lam": run.lam,
        "seed": run.seed,
        "budget": run.budget,
        **run.configuration.values,
    }
