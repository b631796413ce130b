"""Pictures of runs of image data: what a row of `pictures` is, and how those of some runs are read.

Shared by `sweeps`, which writes them, and `analysis`, which draws them. A run has a row for each kind of picture, such as
its samples; which kinds there are is for whoever trains to say, and the shape of the array for whoever draws to read.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from result_reading import read_table

FOLDER = "pictures"
"""Beside the rows, in a study's directory."""

PICTURES = pa.schema(
    [
        pa.field("run_key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("shape", pa.list_(pa.int64()), nullable=False),  # [..., *shape of a point]
        pa.field("bytes", pa.binary(), nullable=False),  # uint8, row-major; 0 to 255 is 0 to 1
    ]
)

SAMPLES = "samples"
"""Kind of picture that every run of images has: what it generates."""

EXEMPLARS = "exemplars.json"
"""File beside a report: run key -> ranks for which the report shows the run, such as best."""

Pictures = Mapping[str, npt.NDArray[np.uint8]]
"""Kind -> array [..., *shape of a point]."""


def table(pictures: Mapping[str, Pictures]) -> pa.Table:
    """Rows of the pictures of some runs, by run key."""
    rows: list[dict[str, Any]] = [
        {"run_key": key, "kind": kind, "shape": list(images.shape), "bytes": images.tobytes()}
        for key, own in sorted(pictures.items())
        for kind, images in own.items()
    ]
    return pa.Table.from_pylist(rows, schema=PICTURES)


def read_pictures(uri: str, run_keys: Collection[str]) -> Mapping[str, Pictures]:
    """Pictures of some runs of a study by run key; runs without any are left out.

    Raises:
        SchemaError: a file is damaged.
    """
    found: dict[str, dict[str, npt.NDArray[np.uint8]]] = {}
    if run_keys:
        for row in read_table(uri, FOLDER, PICTURES, run_keys).to_pylist():
            if len(row["bytes"]) == math.prod(row["shape"]):
                images = np.frombuffer(row["bytes"], np.uint8).reshape(row["shape"])
                found.setdefault(row["run_key"], {}).setdefault(row["kind"], images)
    return found
