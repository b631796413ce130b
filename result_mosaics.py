"""Mosaics: many small images as one picture, pixel beside pixel.

Shared by `sweeps` and `analysis`, as the result schema is: MLflow and the report show the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Images: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""uint8, or values in [0, 1]: [n, *shape of an image] of single images, or [n, m, *shape] of n strips of m images each."""

Mosaic: TypeAlias = npt.NDArray[np.uint8]
"""[height, width, 3], red, green and blue."""

SIDE = 8
"""Images along each side at most."""

_LINE = np.array([227, 232, 238], np.uint8)
_PAGE = np.full(3, 255, np.uint8)


def are_images(shape: tuple[int, ...]) -> bool:
    """Whether points of this shape are drawn as images: [height, width], or [1 or 3 colours, height, width]."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def mosaics(
    points: Mapping[str, Images], shape: tuple[int, ...], side: int = SIDE, *, ink: bool
) -> dict[str, Mosaic]:
    """Key -> mosaic of its images [..., *shape]."""
    return {key: mosaic(images, shape, side, ink=ink) for key, images in points.items()}


def mosaic(images: Images, shape: tuple[int, ...], side: int = SIDE, *, ink: bool) -> Mosaic:
    """Images with thin lines between them, and white ones inside a strip.

    Args:
        images: single ones make a square; strips stay together, as many beside each other as make a square.
        shape: of one image, as of `are_images`.
        side: images along each side at most; those that are too many are left out.
        ink: whether grey images are drawn as ink on paper, 0 white and 1 black; else as light, 0 black and 1 white.
    """
    strips = _coloured(images if images.ndim > len(shape) + 1 else images[:, None], len(shape), ink)
    length, width = strips.shape[1], strips.shape[3]
    beside = max(1, min(side // length, round(math.sqrt(len(strips) / length))))
    below = max(1, min(side, len(strips) // beside))
    line = max(1, width // 28)
    gap = max(2 * line, width // 6) if length > 1 else line
    joined = [_joined(list(strip), line, 1, _PAGE) for strip in strips[: below * beside]]
    rows = [_joined(joined[r * beside : (r + 1) * beside], gap, 1, _LINE) for r in range(below)]
    return _joined(rows, line, 0, _LINE)


def tallest(drawn: Iterable[Images]) -> float:
    """Largest height of the mosaics among them for a width of 1; 1 for none."""
    return max((one.shape[0] / one.shape[1] for one in drawn if one.dtype == np.uint8), default=1.0)


def _coloured(images: Images, dims: int, ink: bool) -> Mosaic:
    """[..., height, width, 3] of images [..., *shape]."""
    whole = images.dtype == np.uint8
    values: Mosaic = (images if whole else np.round(255 * np.clip(np.nan_to_num(images), 0, 1))).astype(
        np.uint8
    )
    if dims == 3 and values.shape[-3] == 3:
        return np.moveaxis(values, -3, -1)
    grey = values[..., 0, :, :] if dims == 3 else values
    return np.repeat((255 - grey if ink else grey)[..., None], 3, -1)


def _joined(parts: list[Mosaic], gap: int, axis: int, colour: Mosaic) -> Mosaic:
    """Parts one after another along an axis, with so many pixels of a colour [3] between them."""
    shape = list(parts[0].shape)
    shape[axis] = gap
    between = np.broadcast_to(colour, shape)
    return np.concatenate([piece for part in parts for piece in (between, part)][1:], axis)
