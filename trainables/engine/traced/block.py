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

from trainables.datasets import domains
from trainables.engine import gradients as gradients_of
from trainables.engine.blocks import Block, noise_of
from trainables.engine.native import steps
from trainables.engine.traced.cuda_graphs import Replayed

if TYPE_CHECKING:
    from trainables.engine.cohort import Cohort


def train(cohort: Cohort, block: Block, schedule: Sequence[tuple[str, int]], scalars: np.ndarray) -> Tensor:
    """`Cohort.train`: the scheduled steps with their optimiser's scalars [steps, M, S]; losses [steps, M]."""
    numbers = torch.arange(block.first_step, block.first_step + len(schedule))
    of_cohort = block.noise_keys.to(cohort.device)
    of_iterations = block.indices.to(cohort.device)
    of_steps = tuple(
        values.to(cohort.device) for values in (numbers, block.dropout, torch.from_numpy(scalars))
    )
    losses = torch.empty(len(schedule), len(cohort), device=cohort.device)
    start = 0
    for iteration, group in itertools.groupby(schedule, key=lambda step: step[1]):
        players = tuple(player for player, _ in group)
        now = slice(start, start + len(players))
        if players not in cohort.replayed:
            cohort.replayed[players] = Replayed(cohort.device)
        losses[now] = cohort.replayed[players](
            functools.partial(_iteration, cohort, players),
            of_cohort,
            of_iterations[:, iteration],
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
    scalars: Tensor,
) -> Tensor:
    """The steps of one iteration in place, without a look at any value; each one's loss before it, [steps, M].

    Args:
        players: of the steps.
        noise_keys: int64 [M, 2].
        indices: of each domain the batch's training points, int64 [domains, M, batch].
        numbers, dropout, scalars: of each step; [steps], [steps, M, 2, 5] and [steps, M, S].
    """
    size = sum(cohort.form.dims(cohort.dataset).values())
    x = domains.rows(cohort.dataset, cohort.data, indices)
    noise = noise_of(noise_keys, numbers, indices.shape[-1], size)
    losses = []
    for step, player in enumerate(players):
        gates = dropout[step] if cohort.has_dropout else None
        losses.append(
            (_together if cohort.vectorised else _apart)(cohort, player, x, noise[step], gates, scalars[step])
        )
        if player == "critic" and cohort.form.clip:
            for name in cohort.form.players[player]:
                cohort.parameters[name].clamp_(-cohort.form.clip, cohort.form.clip)
    return torch.stack(losses)


def _together(
    cohort: Cohort, player: str, x: Tensor, noise: Tensor, dropout: Tensor | None, scalars: Tensor
) -> Tensor:
    """A step of a player, vectorised over members, with the scalars of the optimiser [M, S]; its loss before it [M]."""
    names = cohort.form.players[player]
    *found, loss = gradients_of.gradients(cohort, player, x, noise, dropout)
    for mine, after in zip(_buffers(cohort, names), found[len(names) :], strict=True):
        mine.copy_(after)
    for name, gradient in zip(names, found, strict=False):
        cohort.optimisers[name].step(gradient, scalars)
    return loss


def _apart(
    cohort: Cohort, player: str, x: Tensor, noise: Tensor, dropout: Tensor | None, scalars: Tensor
) -> Tensor:
    """The same, one member after another; their buffers are as after the step."""
    names = cohort.form.players[player]
    buffers, losses = _buffers(cohort, names), []
    for m in range(len(cohort)):
        gates = None if dropout is None else dropout[m]
        *found, loss = gradients_of.member_gradients(cohort, m, player, x[m], noise[m], gates)
        losses.append(loss)
        for mine, after in zip(buffers, found[len(names) :], strict=True):
            mine[m].copy_(after)
        for name, gradient in zip(names, found, strict=False):
            if cohort.native_steps:
                steps.take(cohort.optimisers[name], gradient, scalars[m], m)
            else:
                cohort.optimisers[name].step(gradient.unsqueeze(0), scalars[m : m + 1], slice(m, m + 1))
    return torch.stack(losses)


def _buffers(cohort: Cohort, names: Sequence[str]) -> list[Tensor]:
    """What these networks keep from batch to batch, [M, …] each."""
    return [value for name in names for value in cohort.buffers[name].values()]
