"""Pictures of ONE model of images: samples, reconstructions, and interpolations between codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.datasets.base import DataSet
from trainables.models.batch import Model

BUDGET = 512 * 1024
"""Bytes of one run at most, a byte per pixel and colour; of larger images there are fewer."""

LEVELS = 255

KINDS = SAMPLES, RECONSTRUCTIONS, INTERPOLATIONS = "samples", "reconstructions", "interpolations"
"""Kinds of pictures, in reading order."""


class Counts(NamedTuple):
    """Numbers of pictures of one run.

    Attributes:
        samples: generated images.
        pairs: test points, each beside its reconstruction.
        lines: straight lines between two codes.
        steps: images along a line, both ends among them.
    """

    samples: int = 64
    pairs: int = 32
    lines: int = 8
    steps: int = 8

    @property
    def images(self) -> int:
        """All of them."""
        return self.samples + 2 * self.pairs + self.lines * self.steps


def counts(size: int, budget: int = BUDGET) -> Counts:
    """As many as fit: of images of so many bytes about a third of each kind, and samples for what is left."""
    most, fit = Counts(), budget // size
    if fit >= most.images:
        return most
    lines, pairs = min(most.lines, fit // 3 // most.steps), min(most.pairs, fit // 6)
    return most._replace(
        samples=min(most.samples, fit - 2 * pairs - lines * most.steps), pairs=pairs, lines=lines
    )


def of_images(data: DataSet) -> bool:
    """Whether points are images: in grey [height, width], or [colours, height, width], with values in [0, 1]."""
    return data.bounded and len(data.shape) in (2, 3)


def points_kept(data: DataSet, points: int) -> int:
    """How many of so many generated points are kept as numbers: all, or of images none where their float32 do not fit beside the pictures."""
    room = BUDGET - counts(data.x_dim).images * data.x_dim
    return 0 if of_images(data) and 4 * points * data.x_dim > room else points


def drawn(model: Model, x: Tensor, noise: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Pictures by kind, uint8, 255 for 1, each image as a row of x_dim.

    `samples` are [n, x_dim]; where there is an encoder, `reconstructions` are [pairs, 2, x_dim], each point before its
    reconstruction; `interpolations` are [lines, steps, x_dim]: decoded codes on straight lines between two codes, of points or,
    without an encoder, of the prior. Labels that a decoder takes are on a straight line too.

    Args:
        model: encoder and decoder, and the points' labels, as functions.
        x: points, [n, x_dim]; those at the front are drawn.
        noise: z, epsilon and xi, as many; all of a line has one xi.
    """
    wanted = counts(model.data.x_dim)
    found = {SAMPLES: model.decode(noise["z"], noise["xi"])[: wanted.samples]}
    codes = noise["z"]
    if model.has("encoder"):
        codes = model.encode(x, noise["epsilon"])
        again = model.mean_of_x(codes, noise["xi"])
        found[RECONSTRUCTIONS] = torch.stack([x, again], 1)[: wanted.pairs]
    if lines := min(wanted.lines, len(codes) // 2):
        if model.y is not None:
            model = model.labelled(_between(model.y[: 2 * lines], wanted.steps))
        xi = noise["xi"][: 2 * lines : 2].repeat_interleave(wanted.steps, 0)
        means = model.mean_of_x(_between(codes[: 2 * lines], wanted.steps), xi)
        found[INTERPOLATIONS] = means.unflatten(0, (lines, wanted.steps))
    return {kind: _bytes(images) for kind, images in found.items() if len(images)}


def _between(ends: Tensor, steps: int) -> Tensor:
    """Points at equal distances from the 1st to the 2nd of the ends, from the 3rd to the 4th, …: [lines · steps, d] of [2 · lines, d]."""
    share = torch.linspace(0, 1, steps, device=ends.device).unsqueeze(-1)
    first, last = ends[::2].unsqueeze(1), ends[1::2].unsqueeze(1)
    return (first * (1 - share) + last * share).flatten(0, 1)


def _bytes(images: Tensor) -> Tensor:
    """Values of [0, 1] as uint8; what lies outside is at its ends, NaN at 0."""
    return (images.float().nan_to_num(0.0).clamp(0, 1) * LEVELS).round().to(torch.uint8)
