"""Measures which form of a step is faster where networks are not written for vectorising: all members at once, or one after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from trainables.datasets import domains
from trainables.engine import gradients

if TYPE_CHECKING:
    from trainables.engine.cohort import Cohort

REPETITIONS = 3


def together(cohort: Cohort) -> bool:
    """Whether the gradients of a first step are faster at once; measured once for a structure and a number of members.

    At once, convolutions become grouped ones (`torch.func.vmap`), of which a GPU that one model leaves empty gains, and of which
    some libraries are slow; a network that cannot be vectorised is not.
    """
    key = (len(cohort), *(o.name for o in cohort.objectives), *cohort.signature)
    if key not in _measured:
        _measured[key] = len(cohort) > 1 and _faster(cohort)
    return _measured[key]


def _faster(cohort: Cohort) -> bool:
    try:
        at_once = _seconds(cohort, lambda: _at_once(cohort))
    except (RuntimeError, ValueError):  # such as of data-dependent control flow, or of memory
        return False
    return at_once < _seconds(cohort, lambda: _in_turn(cohort))


def _inputs(cohort: Cohort) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """A batch of every member: points, noise, and dropout of no unit where there is dropout."""
    size, members = cohort.configuration.batch_size, len(cohort)
    numbers = torch.arange(size, device=cohort.device).expand(len(cohort.data), members, size)
    x = domains.rows(cohort.dataset, cohort.data, numbers)
    noise = torch.zeros(members, size, sum(cohort.form.dims(cohort.dataset).values()), device=cohort.device)
    dropout = torch.zeros(members, 2, 5, dtype=torch.int64, device=cohort.device)
    return x, noise, dropout if cohort.has_dropout else None


def _at_once(cohort: Cohort) -> None:
    x, noise, dropout = _inputs(cohort)
    for player in cohort.form.players:
        gradients.gradients(cohort, player, x, noise, dropout)


def _in_turn(cohort: Cohort) -> None:
    x, noise, dropout = _inputs(cohort)
    for player in cohort.form.players:
        for m in range(len(cohort)):
            gates = None if dropout is None else dropout[m]
            gradients.member_gradients(cohort, m, player, x[m], noise[m], gates)


def _seconds(cohort: Cohort, step: Callable[[], None]) -> float:
    """The least of some repetitions, after one that traces."""
    found = []
    with torch.inference_mode():
        for _ in range(1 + REPETITIONS):
            started = time.perf_counter()
            step()
            if cohort.device.type == "cuda":
                torch.cuda.synchronize(cohort.device)
            found.append(time.perf_counter() - started)
    return min(found[1:])


_measured: dict[tuple[object, ...], bool] = {}
"""What was faster, kept for the life of the process."""
