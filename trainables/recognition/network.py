"""A small convolutional classifier, as a function of named arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

FEATURES = 128
"""Units of the penultimate layer."""

CHANNELS = 32
"""Of the first convolution; each further one has twice as many."""

SIDE = 8
"""Convolutions follow one another until their map is at most as wide."""

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""


class Logits(NamedTuple):
    """Features [n, 128] and logits [n, classes]."""

    features: Tensor
    logits: Tensor


def stages(shape: Shape) -> int:
    """Convolutions, each of which halves the image."""
    return max(1, math.ceil(math.log2(max(shape[1:]) / SIDE)))


def initial(shape: Shape, classes: int, generator: torch.Generator) -> dict[str, Tensor]:
    """What is trained: weights uniform as He et al. 2015 have them, biases 0; the last layer begins at 0."""
    count, (channels, height, width) = stages(shape), shape
    arrays: dict[str, Tensor] = {}
    for stage in range(count):
        kernel, out = (5 if stage == 0 else 3), CHANNELS * 2**stage
        arrays[f"convolution{stage}"] = _uniform(
            (out, channels, kernel, kernel), channels * kernel**2, generator
        )
        arrays[f"convolution{stage}_bias"] = torch.zeros(out)
        channels, height, width = out, -(-height // 2), -(-width // 2)
    flat = channels * height * width
    arrays["hidden"] = _uniform((FEATURES, flat), flat, generator)
    arrays["hidden_bias"] = torch.zeros(FEATURES)
    arrays["output"], arrays["output_bias"] = torch.zeros(classes, FEATURES), torch.zeros(classes)
    return arrays


def forward(arrays: Mapping[str, Tensor], images: Tensor) -> Logits:
    """A convolution of stride 2 and ReLU in each stage, a hidden layer of features, and an affine map.

    A stride takes a quarter of the arithmetic of a convolution that is pooled afterwards, in training and in every use.

    Args:
        arrays: as of `initial`, and of training pixels their mean, `centre`, and standard deviation, `spread`.
        images: [n, c, h, w] in [0, 1].
    """
    h = ((images - arrays["centre"]) / arrays["spread"]).contiguous(
        memory_format=torch.channels_last
    )  # half the time on a CPU
    for stage in range(sum(name.startswith("convolution") for name in arrays) // 2):
        weight = arrays[f"convolution{stage}"]
        bias, padding = arrays[f"convolution{stage}_bias"], weight.shape[-1] // 2
        h = torch.relu(functional.conv2d(h, weight, bias, stride=2, padding=padding))
    features = torch.relu(functional.linear(h.flatten(1), arrays["hidden"], arrays["hidden_bias"]))
    return Logits(features, functional.linear(features, arrays["output"], arrays["output_bias"]))


def _uniform(size: tuple[int, ...], inputs: int, generator: torch.Generator) -> Tensor:
    bound = math.sqrt(6 / inputs)
    return (2 * torch.rand(size, generator=generator) - 1) * bound
