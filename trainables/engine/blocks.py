"""The random inputs of a block of iterations, for every member of a cohort from streams of its own.

A block's draws depend on the member and the block's number alone: whichever neighbours it has,
wherever training was interrupted, the same iteration sees the same batch, noise and dropout.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables import objectives
from trainables.datasets import domains
from trainables.iterations import BLOCK as BLOCK
from trainables.randomness import philox
from trainables.randomness.streams import stream, stream_key
from trainables.runs import Run


class Block:
    """The draws of iterations [number · BLOCK, (number + 1) · BLOCK) of the members `runs`.

    Random numbers are functions of a key and a step's number (`philox`): here are the keys.

    Attributes:
        indices: of each domain the training points of each batch, int64 [domains, BLOCK, M, batch].
        noise_keys: int64 [M, 2].
        dropout: int64 [updates, M, 2, 5]: what `philox.multipliers` takes, for the sides of q and of p.
        updates: steps of all players in the block.
        first_step: number of the block's first step.
    """

    def __init__(self, runs: Sequence[Run], number: int, device: torch.device) -> None:
        c = runs[0].configuration
        form = objectives.find(runs[0].algorithm).form
        self.updates = BLOCK * len(form.updates(c.steps))
        self.first_step = number * self.updates
        self.batch_size = c.batch_size
        self.data = runs[0].dataset
        self.noise_size = sum(form.dims(runs[0].dataset).values())
        self.indices = torch.from_numpy(np.stack([_batches(run, number) for run in runs], axis=2)).to(device)
        keys = np.stack([stream_key(run.stream_key, "noise") for run in runs]).astype(np.int64)
        self.noise_keys = torch.from_numpy(keys).to(device)
        self.dropout = torch.from_numpy(_dropout(runs, self.first_step, self.updates)).to(device)

    @functools.cached_property
    def x(self) -> Tensor:
        """Data batches, [BLOCK, M, batch, width] (`trainables.datasets.domains`)."""
        stored = [domain.stored.to(self.indices.device) for domain in self.data.domains]
        return domains.rows(self.data, stored, self.indices)

    @functools.cached_property
    def noise(self) -> Tensor:
        """[updates, M, batch, dimensions of the form's noise]."""
        steps = torch.arange(self.first_step, self.first_step + self.updates, device=self.noise_keys.device)
        return noise_of(self.noise_keys, steps, self.batch_size, self.noise_size)


def noise_of(keys: Tensor, steps: Tensor, batch_size: int, size: int) -> Tensor:
    """Noise of the numbered steps for members with these keys [M, 2]: [len(steps), M, batch, size]."""
    return philox.normals(keys, steps, batch_size * size).unflatten(-1, (-1, size))


def _dropout(runs: Sequence[Run], first: int, updates: int) -> np.ndarray:
    """`Block.dropout`: a member's key, the step, the pass and the member's rate."""
    values = np.empty((updates, len(runs), 2, 5), dtype=np.int64)
    for m, run in enumerate(runs):
        values[:, m, :, :2] = stream_key(run.stream_key, "dropout")
        values[:, m, :, 4] = round(run.configuration.part("critic").dropout * philox.LEVELS)
    values[..., 2] = np.arange(first, first + updates)[:, None, None]
    values[..., 3] = [0, 1]
    return values


def _batches(run: Run, number: int) -> np.ndarray:
    """Of each domain the indices of the training points of a block's batches, [domains, BLOCK, batch]."""
    names = ("order", "order of the second domain")
    return np.stack(
        [
            _order(run, number, d.train_points, name)
            for d, name in zip(run.dataset.domains, names, strict=False)
        ]
    )


def _order(run: Run, number: int, points: int, name: str) -> np.ndarray:
    """Indices of so many points, [BLOCK, batch], by the stream of this name: every epoch a new permutation."""
    size = run.configuration.batch_size
    per_epoch = points // size
    iterations = np.arange(number * BLOCK, (number + 1) * BLOCK)
    epochs = {
        e: stream(run.stream_key, name, int(e)).permutation(points)
        for e in np.unique(iterations // per_epoch)
    }
    return np.stack([epochs[i // per_epoch][(i % per_epoch) * size :][:size] for i in iterations])
