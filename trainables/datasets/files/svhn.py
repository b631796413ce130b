"""SVHN's cropped digits: MATLAB files of version 5, in which label 10 is the digit 0.

Source: ufldl.stanford.edu/housenumbers, "Format 2".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from trainables.datasets.files.base import Chunk, Files, check, damaged, of_system, size_of


@final
@dataclass(frozen=True)
class Svhn(Files):
    """Two files; the further training images of `extra` are left out."""

    @property
    def wanted(self) -> tuple[str, ...]:
        return ("train_32x32.mat", "test_32x32.mat")

    def read(self, found: Mapping[str, Path]) -> Iterator[Chunk]:
        for split in ("train", "test"):
            path = found[f"{split}_32x32.mat"]
            values = _variables(path)
            check(path, "its variables X and y", "X, y", ", ".join(sorted(values)))
            pixels, labels = values["X"], values["y"].ravel()
            check(path, "the shape of X but for its number of images", (32, 32, 3), pixels.shape[:3])
            check(path, "the type of X", "uint8", str(pixels.dtype))
            check(path, "the number of labels y, as X has images,", pixels.shape[-1], len(labels))
            if len(labels) and not 1 <= labels.min() <= labels.max() <= 10:
                raise damaged(path, "its labels must be 1 to 10", f"{labels.min()} to {labels.max()}")
            yield split, np.ascontiguousarray(pixels.transpose(3, 2, 0, 1)), (labels % 10).astype(np.uint8)


def _variables(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        found = loadmat(path, variable_names=("X", "y"))
    except Exception as error:  # SciPy raises what its parser runs into
        if of_system(error):
            raise
        raise damaged(path, "it must be a MATLAB file of version 5", size_of(path, error)) from error
    return {name: found[name] for name in ("X", "y") if name in found}
