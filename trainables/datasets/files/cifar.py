"""CIFAR-10's binary form: a byte of label and 3,072 of pixels for each image. Its pickled form is not read.

Source: cs.toronto.edu/~kriz/cifar.html, "CIFAR-10 binary version".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from trainables.datasets.files.base import Chunk, Files, damaged

PIXELS = 3 * 32 * 32
"""Channel after channel, row after row."""

CLASSES = 10


@final
@dataclass(frozen=True)
class CifarBinary(Files):
    """Five files to train on, one to test on."""

    @property
    def wanted(self) -> tuple[str, ...]:
        return (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")

    def read(self, found: Mapping[str, Path]) -> Iterator[Chunk]:
        for name in self.wanted:
            path = found[name]
            content = np.fromfile(path, np.uint8)
            if not len(content) or len(content) % (PIXELS + 1):
                raise damaged(
                    path,
                    f"its size must be a multiple of {PIXELS + 1:,} bytes, one image",
                    f"{len(content):,}",
                )
            rows = content.reshape(-1, PIXELS + 1)
            if (greatest := rows[:, 0].max()) >= CLASSES:
                raise damaged(path, f"its labels must be 0 to {CLASSES - 1}", greatest)
            yield "test" if name.startswith("test") else "train", rows[:, 1:], rows[:, 0]
