"""Somebody's own images, small enough for a drill: some of scikit-learn's digits, 8×8 pixels, in MNIST's format."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final

import numpy as np

from tests.trainables.image_files import idx
from trainables.datasets.files.idx import Idx
from trainables.datasets.images.base import Images

TRAIN, TEST = 400, 64


@final
class FewDigits(Images):
    """400 digits to train on, 64 to test on."""

    name = "few_digits"
    shape = (8, 8)
    x_dim = 8 * 8
    z_dim = 4
    noise_dim = 4
    classes = 10
    test_points: ClassVar[int] = TEST
    home = "scikit-learn.org"
    files = Idx(("few_digits",))


def write_digits(root: Path, first: int = 0) -> Path:
    """The four files of the digits from the `first` on, below a root folder of image data; the folder."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images, labels = (pixels.reshape(-1, 8, 8) * 15).astype(np.uint8), labels.astype(np.uint8)
    folder = root / "few_digits"
    folder.mkdir(parents=True)
    for part, start, count in (("train", first, TRAIN), ("t10k", first + TRAIN, TEST)):
        for what, array in (("images-idx3", images), ("labels-idx1", labels)):
            (folder / f"{part}-{what}-ubyte").write_bytes(idx(array[start : start + count]))
    return folder
