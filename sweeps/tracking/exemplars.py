"""Runs that the report of image data shows, and their pictures as MLflow's image grid has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from result_mosaics import are_images, mosaic
from result_pictures import EXEMPLARS, Pictures

TAG = "exemplar"
"""Tag of such a run: its ranks."""

_PIXELS = 384
"""Least pixels of the longer side: MLflow's page smooths what it enlarges."""


def ranks(report: Path) -> dict[str, str] | None:
    """Run key -> ranks, such as 'best', that a report shows the run for; None where that cannot be read."""
    path = report / EXEMPLARS
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_bytes())
        return {str(key): ", ".join(map(str, names)) for key, names in told.items()}
    except (ValueError, AttributeError, TypeError):
        return None


def images(pictures: Pictures, shape: tuple[int, ...], ink: bool) -> Mapping[str, npt.NDArray[np.uint8]]:
    """Kind -> mosaic of a run's pictures, [height, width, 3]; none where points of this shape are no images."""
    if not are_images(shape):
        return {}
    return {kind: _enlarged(mosaic(own, shape, ink=ink)) for kind, own in pictures.items()}


def _enlarged(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Each pixel as a square, so that the whole has a size to look at."""
    times = -(-_PIXELS // max(picture.shape[:2]))
    return picture.repeat(times, 0).repeat(times, 1)
