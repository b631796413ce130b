"""Runs that the report shows, and their pictures as MLflow's image grid has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from result_manifest import Manifest
from result_mosaics import are_images, mosaic
from result_pictures import EXEMPLARS, SAMPLES, Pictures, read_pictures
from result_reading import read_samples
from sweeps.tracking.shown.plane_picture import plane_picture

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


def kinds(manifest: Manifest) -> tuple[str, ...]:
    """Kinds of the images that runs of these data can have; of points in the plane the samples are drawn here."""
    if are_images(manifest.shape):
        return manifest.pictures
    return () if manifest.shape != (2,) or manifest.coordinates else (SAMPLES,)


def images(
    directory: str, run_keys: Sequence[str], manifest: Manifest
) -> dict[str, Mapping[str, npt.NDArray[np.uint8]]]:
    """Run key -> kind -> image [height, width, 3]: mosaics of image data, of data in the plane the generated points; of others none.

    Raises SchemaError where a file is damaged.
    """
    if not run_keys:
        return {}
    if are_images(manifest.shape):
        stored = read_pictures(directory, run_keys)
        return {key: _mosaics(own, manifest) for key, own in stored.items()}
    if not kinds(manifest):
        return {}
    table = read_samples(directory, run_keys)
    return {
        row["run_key"]: {
            SAMPLES: plane_picture(
                np.asarray(row["points"], np.float32).reshape(-1, 2), manifest.modes, manifest.mode_std
            )
        }
        for row in table.to_pylist()
    }


def _mosaics(pictures: Pictures, manifest: Manifest) -> dict[str, npt.NDArray[np.uint8]]:
    return {kind: _enlarged(mosaic(own, manifest.shape, ink=manifest.ink)) for kind, own in pictures.items()}


def _enlarged(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Each pixel as a square, so that the whole has a size to look at."""
    times = -(-_PIXELS // max(picture.shape[:2]))
    return picture.repeat(times, 0).repeat(times, 1)
