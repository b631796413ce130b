"""IDX, the format of MNIST: big-endian dimensions, then bytes; plain or compressed by gzip.

Source: yann.lecun.com/exdb/mnist, "The IDX file format".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from trainables.datasets.files.base import Bytes, Chunk, Files, check, damaged, size_of

UNSIGNED_BYTES = 0x08
"""The third byte of a file of unsigned bytes; the fourth is the number of dimensions."""


@final
@dataclass(frozen=True)
class Idx(Files):
    """Four files: images and labels to train on, and to test on."""

    compressed: ClassVar[tuple[str, ...]] = (".gz",)

    @property
    def wanted(self) -> tuple[str, ...]:
        return tuple(
            f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
        )

    def read(self, found: Mapping[str, Path]) -> Iterator[Chunk]:
        for split, part in (("train", "train"), ("test", "t10k")):
            images, labels = found[f"{part}-images-idx3-ubyte"], found[f"{part}-labels-idx1-ubyte"]
            pixels, numbers = array(images, 3), array(labels, 1)
            check(labels, f"the number of labels, as {images.name} has images,", len(pixels), len(numbers))
            yield split, pixels, numbers


def array(path: Path, dimensions: int) -> Bytes:
    """The array of unsigned bytes that a file holds. Raises DamagedError where it is none, or of other dimensions."""
    content = _content(path)
    check(path, "its magic number", f"{UNSIGNED_BYTES << 8 | dimensions:#010x}", f"0x{content[:4].hex()}")
    header = 4 + 4 * dimensions
    check(path, "the bytes of its header", header, len(content[:header]))
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    check(
        path,
        f"its size after reading, of {'×'.join(map(str, shape))} bytes,",
        header + math.prod(shape),
        len(content),
    )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _content(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged(path, "it must be whole and compressed by gzip", size_of(path, error)) from error
