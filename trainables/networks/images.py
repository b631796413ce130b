"""Images among the quantities that a network reads and gives: their shapes, their halves, and what is beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.networks.base import Ports

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""


def is_image(quantity: str, shape: tuple[int, ...]) -> bool:
    """Whether a network of images reads a quantity as one: x, or whatever has more than one dimension."""
    return len(shape) > 1 or quantity.split("_")[0] == "x"


def image_of(shape: tuple[int, ...], what: str) -> Shape:
    """Channels, height and width; a grey image has one channel. Raises ValueError where `what` is no image."""
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{what} must be an image, of shape (height, width) or (channels, height, width), got {shape}; take the "
            "network mlp"
        )
    return (1, shape[0], shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])


def halves(image: Shape, times: int) -> list[tuple[int, int]]:
    """Height and width of an image before its halvings, then after each; an odd side is halved upwards.

    Raises:
        ValueError: a side is 1 before the last halving.
    """
    _, height, width = image
    if min(height, width) <= 2 ** (times - 1):
        raise ValueError(
            f"an image that is halved {times} times must be more than {2 ** (times - 1)} pixels high and wide, got "
            f"{height} x {width}; take fewer scales, or the network mlp"
        )
    return [(-(-height // 2**i), -(-width // 2**i)) for i in range(times + 1)]


class Inputs:
    """Sorts the inputs of an encoder or a critic: images become the channels of one image, the rest is one vector.

    Args:
        ports: a quantity of two or three dimensions is an image; codes, noise and labels have one.

    Attributes:
        image: shape of all images in one; None of a critic that reads none.
        others: dimensions of the rest.

    Raises:
        ValueError: x is no image, an encoder reads none, or images have different sizes.
    """

    def __init__(self, ports: Ports) -> None:
        self.shapes = [
            image_of(shape, quantity) if is_image(quantity, shape) else None
            for quantity, shape in ports.inputs.items()
        ]
        images = [shape for shape in self.shapes if shape]
        if not images and ports.role != "critic":
            raise ValueError(
                f"an encoder with convolutions must read an image, got {', '.join(ports.inputs)}; take the network mlp"
            )
        if len({shape[1:] for shape in images}) > 1:
            raise ValueError(
                f"images that are read together must have one size, got {images}; take the network mlp"
            )
        self.image: Shape | None = (sum(s[0] for s in images), *images[0][1:]) if images else None
        self.others = ports.width - sum(map(math.prod, images))

    def __call__(self, inputs: Sequence[Tensor]) -> tuple[Tensor | None, Tensor | None]:
        """The image [batch, channels, height, width] and the rest [batch, others], each None where there is none."""
        pairs = list(zip(inputs, self.shapes, strict=True))
        images = [value.unflatten(-1, shape) for value, shape in pairs if shape]
        return joined(images, 1), joined([value for value, shape in pairs if not shape])


def joined(values: Sequence[Tensor | None], dim: int = -1) -> Tensor | None:
    """Those that are there, concatenated along a dimension; None where there are none."""
    given = [value for value in values if value is not None]
    return torch.cat(given, dim) if len(given) > 1 else given[0] if given else None


class Pixels:
    """Numbers that a decoder gives, as channels of images: all means, all log-variances, and a rest that is no image's.

    Args:
        ports: of a decoder.

    Attributes:
        image: shape of one point.
        images: numbers for each of its pixels, such as 2: mean and log-variance.
        rest: numbers beyond these, such as the biases of a flow.

    Raises:
        ValueError: what it gives is no image.
    """

    def __init__(self, ports: Ports) -> None:
        self.image = image_of(ports.output, "what a decoder with convolutions gives")
        self.images, self.rest = divmod(ports.outputs, math.prod(self.image))

    @property
    def channels(self) -> int:
        """Of all images."""
        return self.image[0] * self.images
