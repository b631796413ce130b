"""Iterations of a run: the blocks they are trained in, and those after which a run is evaluated."""

from __future__ import annotations

import math

BLOCK = 20
"""Iterations per block: seeding streams is amortised, memory stays at some MB."""

EVALUATIONS = 6
"""Evaluations per run, at most; the last one is after its last iteration."""


def evaluated_every(budget: int) -> int:
    """Iterations between two evaluations of a run of this budget: whole blocks."""
    return math.ceil(budget / EVALUATIONS / BLOCK) * BLOCK
