"""The random inputs of a block of iterations, for every member of a cohort from streams of its own.

A block's draws depend on the member and the block's number alone: whichever neighbours it has,
wherever training was interrupted, the same iteration sees the same batch, noise and dropout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables import mixture
from trainables.joint import NOISE
from trainables.runs import Run
from trainables.streams import stream

BLOCK = 20
"""Iterations per block: seeding streams is amortised, memory stays at some MB."""

_LEVELS = 1 << 16
"""Dropout probabilities are multiples of 1/65,536: a quarter of the random bits that a float takes."""


class Block:
    """The draws of iterations [number · BLOCK, (number + 1) · BLOCK) of the members `runs`.

    Attributes:
        x: data batches, [BLOCK, M, batch, x_dim].
        noise: [BLOCK, 1 + steps, M, batch, sum of NOISE]; step 0 is the critic's.
    """

    def __init__(self, runs: Sequence[Run], number: int, device: torch.device) -> None:
        c = runs[0].configuration
        size = sum(NOISE.values())
        indices = np.stack([_batches(run, number) for run in runs], axis=1)
        noise = np.empty((BLOCK, 1 + c.steps, len(runs), c.batch_size, size), dtype=np.float32)
        for m, run in enumerate(runs):
            draws = stream(run.stream_key, "noise", number)
            noise[:, :, m] = draws.standard_normal((BLOCK, 1 + c.steps, c.batch_size, size), dtype=np.float32)
        self.x = mixture.load().train[torch.from_numpy(indices)].to(device)
        self.noise = torch.from_numpy(noise).to(device)
        self._device = device
        self._rates = [round(run.configuration.critic_dropout * _LEVELS) for run in runs]
        self._streams = [stream(run.stream_key, "dropout", number) for run in runs]
        self._masks = np.ones((len(runs), 2, c.critic_depth, c.batch_size, c.width), dtype=np.float32)

    def dropout(self) -> Tensor:
        """Multipliers for the next step, [M, 2, critic_depth, batch, width]: to be asked for once a step.

        0 with the member's probability p, else 1 / (1 − p); all ones where p = 0. The memory is reused.
        """
        for mask, rate, draws in zip(self._masks, self._rates, self._streams, strict=True):
            if rate:
                bits = draws.bit_generator.random_raw(-(-mask.size // 4)).view(np.uint16)[: mask.size]
                np.multiply(
                    bits.reshape(mask.shape) >= rate, np.float32(_LEVELS / (_LEVELS - rate)), out=mask
                )
        return torch.from_numpy(self._masks).to(self._device)


def _batches(run: Run, number: int) -> np.ndarray:
    """Indices of the training points of a block's batches, [BLOCK, batch]: every epoch a new permutation."""
    size = run.configuration.batch_size
    per_epoch = mixture.TRAIN_POINTS // size
    iterations = np.arange(number * BLOCK, (number + 1) * BLOCK)
    epochs = {
        e: stream(run.stream_key, "order", int(e)).permutation(mixture.TRAIN_POINTS)
        for e in np.unique(iterations // per_epoch)
    }
    return np.stack([epochs[i // per_epoch][(i % per_epoch) * size :][:size] for i in iterations])
