"""A block of training on torch's operations: an iteration is one function of tensors, a CUDA graph on a GPU.

Data and noise of a member are made on the device from its own keys. Nothing here waits for the device:
losses stay there until the block has been handed to it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from trainables.engine.blocks import Block, noise_of
from trainables.engine.traced.cuda_graphs import Replayed

if TYPE_CHECKING:
    from trainables.engine.cohort import Cohort


def train(
    cohort: Cohort,
    block: Block,
    schedule: Sequence[tuple[str, int]],
    rates: np.ndarray,
    corrections: np.ndarray,
) -> Tensor:
    """`Cohort.train`: the scheduled steps with Adam's rates [steps, M] and corrections [steps]; losses [steps, M]."""
    numbers = torch.arange(block.first_step, block.first_step + len(schedule))
    of_cohort = block.noise_keys.to(cohort.device)
    of_iterations = block.indices.to(cohort.device)
    of_steps = tuple(
        values.to(cohort.device)
        for values in (numbers, block.dropout, torch.from_numpy(rates), torch.from_numpy(corrections))
    )
    losses = torch.empty(len(schedule), len(cohort), device=cohort.device)
    start = 0
    for iteration, steps in itertools.groupby(schedule, key=lambda step: step[1]):
        players = tuple(player for player, _ in steps)
        now = slice(start, start + len(players))
        if players not in cohort.replayed:
            cohort.replayed[players] = Replayed(cohort.device)
        losses[now] = cohort.replayed[players](
            functools.partial(_iteration, cohort, players),
            of_cohort,
            of_iterations[iteration],
            *(values[now] for values in of_steps),
        )
        start = now.stop
    for name, optimiser in cohort.optimisers.items():
        optimiser.taken += sum(name in cohort.form.players[player] for player, _ in schedule)
    return losses


def _iteration(
    cohort: Cohort,
    players: Sequence[str],
    noise_keys: Tensor,
    indices: Tensor,
    numbers: Tensor,
    dropout: Tensor,
    rates: Tensor,
    corrections: Tensor,
) -> Tensor:
    """The steps of one iteration in place, without a look at any value; each one's loss before it, [steps, M].

    Args:
        players: of the steps.
        noise_keys: int64 [M, 2].
        indices: the batch's training points, int64 [M, batch].
        numbers, dropout, rates, corrections: of each step; [steps], [steps, M, 2, 5], [steps, M] and [steps].
    """
    size = sum(cohort.form.dims(cohort.dataset).values())
    x, noise = cohort.data[indices], noise_of(noise_keys, numbers, indices.shape[1], size)
    losses = []
    for step, player in enumerate(players):
        gates = dropout[step] if cohort.has_dropout else None
        *gradients, loss = cohort.gradients(player, x, noise[step], gates)
        losses.append(loss)
        for name, gradient in zip(cohort.form.players[player], gradients, strict=True):
            cohort.optimisers[name].step(gradient, rates[step], corrections[step])
            if player == "critic" and cohort.form.clip:
                cohort.parameters[name].clamp_(-cohort.form.clip, cohort.form.clip)
    return torch.stack(losses)
