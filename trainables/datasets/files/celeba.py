"""CelebA's aligned faces: a folder of JPEGs of 178 × 218 pixels, and the list that says which are to train on.

Source: mmlab.ie.cuhk.edu.hk/projects/CelebA.html, "Align&Cropped Images" and "Train/Val/Test Partitions". The crop is the central
square of 148 × 148 pixels, as in Larsen et al. 2016 and Tolstikhin et al. 2018 (140 × 140 there), resized by Pillow's box filter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from trainables.datasets.files.base import (
    UNLABELLED,
    Bytes,
    Chunk,
    DamagedError,
    Files,
    check,
    damaged,
    of_system,
    size_of,
)

WIDTH, HEIGHT = 178, 218
CROP = 148
"""Side of the central square that is kept."""

SPLITS = {"0": "train", "2": "test"}
"""Of the list's numbers; 1 is for validation, which is left out."""

CHUNK = 512


@final
@dataclass(frozen=True)
class CelebA(Files):
    """The folder of images, and the list of partitions beside it.

    Attributes:
        size: side of the images that are made of them.
    """

    size: int = 64

    @property
    def wanted(self) -> tuple[str, ...]:
        return ("list_eval_partition.txt", "img_align_celeba")

    def read(self, found: Mapping[str, Path]) -> Iterator[Chunk]:
        partition, folder = (found[name] for name in self.wanted)
        names: dict[str, list[str]] = {split: [] for split in SPLITS.values()}
        for number, line in enumerate(partition.read_text().splitlines(), 1):
            words = line.split()
            if len(words) != 2 or words[1] not in ("0", "1", "2"):
                raise damaged(partition, f"its line {number} must be like 000001.jpg 0", repr(line[:60]))
            if words[1] in SPLITS:
                names[SPLITS[words[1]]].append(words[0])
        for split, images in names.items():
            if not images:
                raise damaged(partition, f"it must name images to {split} on", "none")
            for start in range(0, len(images), CHUNK):
                pixels = np.stack([self._image(folder / name) for name in images[start : start + CHUNK]])
                yield split, pixels, np.full(len(pixels), UNLABELLED, np.uint8)

    def _image(self, path: Path) -> Bytes:
        """[3, size, size]."""
        from PIL import Image

        left, top = (WIDTH - CROP) // 2, (HEIGHT - CROP) // 2
        try:
            with Image.open(path, formats=("JPEG",)) as image:
                check(path, "its size", (WIDTH, HEIGHT), image.size)
                square = image.convert("RGB").crop((left, top, left + CROP, top + CROP))
                small = square.resize((self.size, self.size), Image.Resampling.BOX)
        except FileNotFoundError:
            raise DamagedError(f"{path} must be an image, as list_eval_partition.txt names it, but is not there; unpack "
                               "img_align_celeba.zip again, then give the command again") from None  # fmt: skip
        except (OSError, SyntaxError) as error:
            if of_system(error):
                raise
            raise damaged(
                path, f"it must be a JPEG of {WIDTH} × {HEIGHT} pixels", size_of(path, error)
            ) from error
        return np.ascontiguousarray(np.asarray(small, np.uint8).transpose(2, 0, 1))
