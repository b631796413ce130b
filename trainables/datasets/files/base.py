"""What a format of image files is: which files it wants, where they usually are, and the images in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

UNLABELLED = 255
"""The label of an image that has none."""

Chunk = tuple[str, Bytes, Bytes]
"""Some images: 'train' or 'test'; their pixels [n, ...] in the order of a data set's shape; their labels [n]."""


class MissingError(ValueError):
    """The files of a data set are not here; the message gives the rule and the remedy."""


class DamagedError(ValueError):
    """A file is not what its format says; the message quotes it."""


@dataclass(frozen=True)
class Files(ABC):
    """The files of one data set.

    Attributes:
        folders: where they usually are, below the root folder; then they are looked for in the root folder itself.
        elsewhere: folders that an operating system's package puts them in, looked at last.
    """

    folders: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    compressed: ClassVar[tuple[str, ...]] = ()
    """Endings that a file's name may have beside its own, such as .gz."""

    @property
    @abstractmethod
    def wanted(self) -> tuple[str, ...]:
        """Names of the files, or of a folder of them, in the order in which they are read."""

    @abstractmethod
    def read(self, found: Mapping[str, Path]) -> Iterator[Chunk]:
        """Every image, in an order that the files alone decide.

        Args:
            found: name of a wanted file -> its path.

        Raises:
            DamagedError: a file is not what it must be.
            OSError: one cannot be read.
        """

    def looked_in(self, root: Path) -> list[Path]:
        """The folders that the files may be in, in the order in which they are looked at."""
        return [*(root / folder for folder in self.folders), root, *map(Path, self.elsewhere)]

    def search(self, root: Path) -> tuple[dict[str, Path], list[str]]:
        """Name of each wanted file -> its path, of those that are there; names of the others."""
        found: dict[str, Path] = {}
        for folder in self.looked_in(root):
            for wanted in self.wanted:
                for ending in ("", *self.compressed):
                    if wanted not in found and (path := folder / f"{wanted}{ending}").exists():
                        found[wanted] = path
        return found, [wanted for wanted in self.wanted if wanted not in found]

    def locate(self, name: str, root: Path) -> dict[str, Path]:
        """Name of each wanted file -> its path.

        Args:
            name: of the data set, for the message.
            root: the folder that image data are looked for in.

        Raises:
            MissingError: one is not there.
        """
        found, missing = self.search(root)
        if missing:
            folders = ", ".join(map(str, self.looked_in(root)))
            raise MissingError(
                f"{name} must have its files {self.listed(missing)} in one of {folders}, but they are not there; put them there, name "
                "their folder with --data-dir or GENERATIVE_ROBUSTNESS_DATA, or see `make data`"
            )
        return found

    def listed(self, names: list[str]) -> str:
        """Names of files in words, few of many."""
        words = ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:3])} … {names[-1]}"
        return words + (
            f" (or {', '.join(f'*{ending}' for ending in self.compressed)})" if self.compressed else ""
        )


def damaged(path: Path, rule: str, got: object) -> DamagedError:
    """The error of a file that breaks a rule, such as 'it must be a JPEG'."""
    words = " ".join(str(got).split())
    return DamagedError(
        f"{path} is damaged: {rule}, got {words}; fetch the file again, then give the command again"
    )


def check(path: Path, what: str, expected: object, got: object) -> None:
    """Raises DamagedError where a file has another value of something than it must have."""
    if expected != got:
        raise damaged(path, f"{what} must be {expected}", got)


def of_system(error: Exception) -> bool:
    """Whether the operating system could not read a file, so that its content is not to blame."""
    return isinstance(error, OSError) and error.errno is not None


def size_of(path: Path, error: Exception) -> str:
    """A file that cannot be read, in words: its size, and what its reader said."""
    return f"{path.stat().st_size:,} bytes ({type(error).__name__}: {error})"
