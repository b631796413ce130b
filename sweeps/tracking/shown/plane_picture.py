"""Points in the plane as an image: dots, and circles around the true modes where these are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SIDE = 384
"""Pixels of each side."""

_INK, _CIRCLE, _PAGE = (31, 41, 51), (150, 160, 170), (255, 255, 255)
_MARGIN = 0.08
_DEVIATIONS = 3.0
"""Radius of a circle, as in the report: a point inside is on its mode."""


def plane_picture(
    points: npt.NDArray[np.float32], modes: Sequence[Sequence[float]], std: float
) -> npt.NDArray[np.uint8]:
    """Image [SIDE, SIDE, 3] of points [n, 2], the second coordinate upwards; what is not finite or far outside is left out.

    Args:
        points: generated points.
        modes: means of the data's Gaussians, possibly none.
        std: their standard deviation.
    """
    picture = np.full((SIDE, SIDE, 3), _PAGE, np.uint8)
    means = np.asarray(modes, float).reshape(-1, 2)
    finite = points[np.isfinite(points).all(axis=1)]
    seen = np.concatenate([means - _DEVIATIONS * std, means + _DEVIATIONS * std]) if len(means) else finite
    if not len(seen):
        return picture
    low, high = seen.min(), seen.max()
    span = max(float(high - low), 1e-9) * (1 + 2 * _MARGIN)
    corner = (low + high - span) / 2
    turns = np.linspace(0, 2 * np.pi, 4 * SIDE)[:, None]
    ring = _DEVIATIONS * std * np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    _dots(picture, (means[:, None] + ring).reshape(-1, 2), corner, span, _CIRCLE, size=1)
    _dots(picture, finite, corner, span, _INK, size=3)
    return picture


def _dots(
    picture: npt.NDArray[np.uint8],
    points: npt.NDArray[np.floating],
    corner: float,
    span: float,
    colour: tuple[int, int, int],
    size: int,
) -> None:
    """Draws squares of `size` pixels at the points that lie within."""
    places = np.floor((points - corner) / span * SIDE)
    inside = ((places >= 0) & (places < SIDE)).all(axis=1)
    for across in range(size):
        for down in range(size):
            x, y = np.clip(places[inside].astype(int) + np.array([across, down]) - size // 2, 0, SIDE - 1).T
            picture[SIDE - 1 - y, x] = colour
