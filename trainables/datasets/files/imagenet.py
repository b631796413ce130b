"""Downsampled ImageNet: .npz batches of flat images, channel after channel. The older pickled batches are not read.

Source: Chrabaszcz et al. 2017; image-net.org/download-images, "Download downsampled image data (npz)".
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from trainables.datasets.files.base import UNLABELLED, Bytes, Chunk, Files, check, damaged, of_system, size_of

BATCHES = 10


@final
@dataclass(frozen=True)
class ImageNet(Files):
    """Ten batches to train on, and the validation images to test on. Labels are left out: a byte does not hold 1,000 of them.

    Attributes:
        size: side of the images.
    """

    size: int = 64

    @property
    def wanted(self) -> tuple[str, ...]:
        return (*(f"train_data_batch_{number}.npz" for number in range(1, BATCHES + 1)), "val_data.npz")

    def read(self, found: Mapping[str, Path]) -> Iterator[Chunk]:
        for name in self.wanted:
            pixels = self._data(found[name])
            yield (
                "test" if name.startswith("val") else "train",
                pixels,
                np.full(len(pixels), UNLABELLED, np.uint8),
            )

    def _data(self, path: Path) -> Bytes:
        width = 3 * self.size**2
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as batch:
                pixels: Bytes = batch["data"]
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            if of_system(error):
                raise
            raise damaged(
                path, "it must be an .npz file with the array data, of bytes", size_of(path, error)
            ) from error
        check(path, "the shape of data", (len(pixels), width), pixels.shape)
        check(path, "the type of data", "uint8", str(pixels.dtype))
        return pixels
