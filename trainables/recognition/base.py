"""What a recogniser gives of images, and the rule that it sees one model's images at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

Told = Callable[[str], object]
"""Says a line to whoever started the work."""

CHUNK = 256
"""Images that are recognised at once: the same bits however many models are evaluated together, and bounded memory."""


class Recognised(NamedTuple):
    """Features [n, d] and log p(class | image) [n, classes] of n images, float64; of no classes [n, 0]."""

    features: Tensor
    log_posterior: Tensor


class Recogniser(ABC):
    """Maps images to features and, where it knows classes, to their log-probabilities. It has no gradient.

    Attributes:
        words: what it is, with its digest and, where it was measured, its accuracy; kept with each run.
    """

    words: str

    def __call__(self, x: Tensor) -> Recognised:
        """Of points [n, x_dim], clipped to [0, 1] as a viewer would; under `torch.func.vmap` one model after the other."""
        return Recognised(*_OneByOne.apply(x, self))

    @abstractmethod
    def recognise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, d] and logits [n, classes] of points [n, x_dim] in [0, 1], float32, at most `CHUNK` of them."""

    def in_chunks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and log-probabilities of any number of points, float64."""
        chunks = [self.recognise(chunk) for chunk in x.float().clamp(0, 1).split(CHUNK)]
        features, logits = (torch.cat(parts).double() for parts in zip(*chunks, strict=True))
        return features, torch.log_softmax(logits, -1)


class _OneByOne(torch.autograd.Function):
    """A recogniser as a function that `torch.func.vmap` calls once for each model."""

    @staticmethod
    def forward(x: Tensor, recogniser: Recogniser) -> tuple[Tensor, Tensor]:
        return recogniser.in_chunks(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, None], x: Tensor, recogniser: Recogniser
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        assert in_dims[0] is not None
        each = [_OneByOne.apply(one, recogniser) for one in x.unbind(in_dims[0])]
        features, log_posterior = (torch.stack(parts) for parts in zip(*each, strict=True))
        return (features, log_posterior), (0, 0)
