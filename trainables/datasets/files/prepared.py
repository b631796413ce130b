"""Images as all processes of a node share them: read once into files of bytes that are mapped into memory.

The folder has a file for each split, [n, x_dim + 1] with the label as the last byte, named by a digest of what they hold, and
prepared.json, which names it and is written last.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trainables import cache
from trainables.datasets.files import root
from trainables.datasets.files.base import Bytes, Chunk, Files, damaged

RECORD = "prepared.json"
READERS = 1
"""Raised where a reader gives other images of the same files: they are read again."""


@dataclass(frozen=True)
class Prepared:
    """The images of a data set.

    Attributes:
        folder: what is made of them has its place there.
        digest: BLAKE2b of them and their labels, 64 hexadecimal digits.
    """

    folder: Path
    digest: str

    @functools.cached_property
    def train(self) -> Bytes:
        """[n, x_dim + 1], mapped."""
        return _mapped(self.folder / f"train-{self.digest[:16]}.npy")

    @functools.cached_property
    def test(self) -> Bytes:
        """[n, x_dim + 1], mapped."""
        return _mapped(self.folder / f"test-{self.digest[:16]}.npy")

    def derived(self, name: str, make: Callable[[], Bytes]) -> Bytes:
        """Images made of these, mapped: of the name's file, which the first process that wants it writes.

        Raises:
            OSError: it cannot be written.
        """
        path = self.folder / f"{name}-{self.digest[:16]}.npy"
        if not path.exists():
            with cache.locked(path.with_suffix(".lock")):
                if not path.exists():
                    with _written(path) as file:
                        np.save(file, make(), allow_pickle=False)
        return _mapped(path)


def prepared(name: str, files: Files, x_dim: int) -> Prepared:
    """The images of a data set, prepared where they are not yet.

    Args:
        name: of the data set.
        files: that hold them.
        x_dim: pixels of an image, of all its channels.

    Raises:
        ValueError: the files are not there, or one is damaged.
        OSError: what is prepared cannot be written.
    """
    return _prepared(name, files, x_dim, root.folder())


@functools.cache
def _prepared(name: str, files: Files, x_dim: int, at: Path) -> Prepared:
    found = files.locate(name, at)
    sources = {
        path.name: [path.stat().st_size, path.stat().st_mtime_ns, wanted] for wanted, path in found.items()
    }
    facts = {"readers": READERS, "x_dim": x_dim, "sources": sources}
    folder = place(name, at)
    if (known := _known(folder, facts)) is None:
        with cache.locked(folder / f"{RECORD}.lock"):
            known = _known(folder, facts) or _made(folder, facts, files.read(found), found)
    return known


def place(name: str, at: Path) -> Path:
    """The folder of what is prepared of a data set, made where it is not there: below the folder of image data, or, where that
    cannot be written, in the cache folder.

    Raises:
        OSError: neither can be written.
    """
    folder = at / "prepared" / name
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    if (folder / RECORD).exists():
        return folder  # somebody has prepared it for all
    here = hashlib.blake2b(str(at).encode(), digest_size=4).hexdigest()
    folder = cache.folder() / "prepared" / f"{name}-{here}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _known(folder: Path, facts: Mapping[str, Any]) -> Prepared | None:
    """What is prepared, if it is of these sources and whole."""
    try:
        record = json.loads((folder / RECORD).read_text())
        known = Prepared(folder, record["digest"])
        if record["facts"] == facts and [len(known.train), len(known.test)] == record["images"]:
            return known
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or not whole
        pass
    return None


def _made(
    folder: Path, facts: Mapping[str, Any], chunks: Iterable[Chunk], found: Mapping[str, Path]
) -> Prepared:
    """Reads and writes them."""
    with contextlib.ExitStack() as written:
        # Named by what they hold, which is known when it is written.
        paths = {split: folder / f"{split}-new-{os.getpid()}.npy" for split in ("train", "test")}
        into = {
            split: Growing(written.enter_context(_written(path)), facts["x_dim"] + 1)
            for split, path in paths.items()
        }
        for split, pixels, labels in chunks:
            flat = pixels.reshape(len(pixels), -1)
            if flat.shape[1] != facts["x_dim"]:
                raise damaged(
                    next(iter(found.values())),
                    f"its images must have {facts['x_dim']:,} pixels",
                    f"{flat.shape[1]:,}",
                )
            into[split].append(np.concatenate([flat, labels.astype(np.uint8)[:, None]], 1))
        for split, growing in into.items():
            if not growing.count:
                raise damaged(next(iter(found.values())), f"there must be images to {split} on", "none")
            growing.finish()
    digest = hashlib.blake2b(
        "".join(g.digest.hexdigest() for g in into.values()).encode(), digest_size=32
    ).hexdigest()
    for split, path in paths.items():
        path.replace(folder / f"{split}-{digest[:16]}.npy")
    record = {"digest": digest, "images": [growing.count for growing in into.values()], "facts": facts}
    with _written(folder / RECORD) as file:
        file.write(json.dumps(record, indent=1).encode())
    return Prepared(folder, digest)


class Growing:
    """An array of bytes [count, width] that is written to a .npy file chunk by chunk.

    Attributes:
        count: rows that are written.
        digest: of them.
    """

    def __init__(self, file: BinaryIO, width: int) -> None:
        self.file, self.width, self.count = file, width, 0
        self.digest = hashlib.blake2b(digest_size=32)
        self._header()

    def append(self, rows: Bytes) -> None:
        content = np.ascontiguousarray(rows).data
        self.file.write(content)
        self.digest.update(content)
        self.count += len(rows)

    def finish(self) -> None:
        """Writes the number of rows into the header, which has room for it."""
        end = self.file.tell()
        self.file.seek(0)
        self._header()
        self.file.seek(end)

    def _header(self) -> None:
        what = {"descr": "|u1", "fortran_order": False, "shape": (self.count, self.width)}
        np.lib.format.write_array_header_1_0(self.file, what)


@contextlib.contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file to write in one atomic step, for all to read."""
    with cache.replacing(path) as temporary, temporary.open("wb") as file:
        yield file
        temporary.chmod(0o644)


def _mapped(path: Path) -> Bytes:
    """The array of a file, mapped: what a process changed of it would be its own."""
    array: Bytes = np.load(path, mmap_mode="c", allow_pickle=False)
    return array
