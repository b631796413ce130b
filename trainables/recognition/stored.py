"""The classifier of a data set, kept beside its data: trained once, by whoever wants it first."""

from __future__ import annotations

import functools
import hashlib
import logging
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor

from trainables import cache
from trainables.recognition import network, training
from trainables.recognition.base import Recogniser, Told
from trainables.recognition.training import Split, Trained

LOG = logging.getLogger(__name__)

VERSION = 2
"""Of the network and its training: raised where either changes, so that classifiers of two versions have files of their own."""

NUMBERS = ("shape", "accuracy", "seconds")
"""What is stored beside the arrays of the network."""


@final
@dataclass(frozen=True, eq=False)
class Classifier(Recogniser):
    """A trained classifier of images.

    Attributes:
        arrays: of its network.
        shape: of an image: channels, height, width.
        accuracy: share of the test images that it labels rightly.
        seconds: of a core that its training took.
    """

    arrays: Mapping[str, Tensor]
    shape: network.Shape
    accuracy: float
    seconds: float

    @functools.cached_property
    def digest(self) -> str:
        """Of its arrays: two that differ in a bit have two. The same images may have another one on another kind of processor,
        with whose instructions torch rounds otherwise.
        """
        found = hashlib.blake2b(digest_size=6)
        for name, array in sorted(self.arrays.items()):
            found.update(f"{name} {list(array.shape)} ".encode() + array.contiguous().numpy().tobytes())
        return found.hexdigest()

    @functools.cached_property
    def words(self) -> str:  # type: ignore[override]
        """Its digest and accuracy."""
        return f"classifier {self.digest}, right for {100 * self.accuracy:.1f} % of the test images"

    def recognise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        arrays = self.arrays if x.device.type == "cpu" else self._on(x.device)
        return network.forward(arrays, x.unflatten(-1, self.shape))

    @functools.lru_cache(maxsize=4)  # noqa: B019  # one instance a data set
    def _on(self, device: torch.device) -> dict[str, Tensor]:
        return {name: array.to(device) for name, array in self.arrays.items()}


def classifier(
    folder: Path, key: str, load: Callable[[], Split], classes: int, told: Told | None = None
) -> Classifier:
    """The classifier of some images, from the folder, or trained and put there; where nothing can be put there, trained.

    Args:
        folder: of the prepared data; it is made where it is not there.
        key: digest of the images.
        load: reads them, if they are needed.
        told: says a line before it trains, and one after; the log by default.
    """
    target, say = folder / f"classifier-v{VERSION}-{key[:16]}.npz", told or LOG.warning
    found = _read(target)
    if found is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with cache.locked(target.with_suffix(".lock")):
                found = _read(target)
                if found is None:
                    found = _trained(load(), classes, say)
                    _write(target, found)
        except OSError:
            found = found or _trained(load(), classes, say)
    return Classifier(*found)


def _trained(images: Split, classes: int, say: Told) -> Trained:
    count = len(images.train.images)
    say(
        f"classifier by which images are measured: training on {count} images, once; it takes a minute or more"
    )
    found = training.train(images.train, images.test, classes)
    say(f"classifier is right for {100 * found.accuracy:.1f} % of {len(images.test.images)} test images, after {found.seconds:.0f} s of a core")  # fmt: skip
    return found


def _read(path: Path) -> Trained | None:
    """None where there is none, or a damaged one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: torch.from_numpy(stored[name]) for name in stored if name not in NUMBERS}
            channels, height, width = map(int, stored["shape"])
            measured = (float(stored[name]) for name in ("accuracy", "seconds"))
            return Trained(arrays, (channels, height, width), *measured)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _write(path: Path, found: Trained) -> None:
    with cache.replacing(path) as temporary:
        with temporary.open("wb") as file:  # a path would be given another suffix
            arrays = {name: array.numpy() for name, array in found.arrays.items()}
            numbers = {name: np.asarray(getattr(found, name)) for name in NUMBERS}
            np.savez(file, **arrays, **numbers)  # type: ignore[arg-type]
        temporary.chmod(0o644)
