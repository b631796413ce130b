"""Images that are read from files and kept as bytes: how a model sees them is decided in the batch."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from trainables.datasets.base import Annealing, DataSet, balanced
from trainables.datasets.files.base import UNLABELLED, Bytes, Files
from trainables.datasets.files.prepared import Prepared, prepared
from trainables.datasets.files.recognised import classifier, of_image
from trainables.parameters import own
from trainables.randomness.philox import LEVELS as STEPS
from trainables.randomness.philox import philox
from trainables.randomness.streams import stream_key
from trainables.recognition.base import Recogniser, Told
from trainables.recognition.features_file import FEATURES
from trainables.recognition.scripted import scripted

LEVELS = 256
"""Of a byte."""

REPRESENTATIONS = ("scaled", "binary", "dequantised")


class Images(DataSet):
    """Images in one of three representations of the bytes k of their pixels.

    scaled is k / 255. binary is 1 where k / 255 > 1/2, for Bernoulli decoders. dequantised is (k + u) / 256 with uniform noise
    u, a function of the image's number and the pixel alone, so that a density of it bounds that of the bytes.

    Its version contains a digest of the images and their labels, as the files have them.

    Attributes:
        files: what it is read from.
        home: the page that has them.
        test_points: so many of the first test images have models evaluated on them; fewer where there are fewer.
        representation: of a pixel.
        part: of the training images, as many of each class, the first of each, that there are.
        part_labelled: of those, as many of each class, the first of each, that have labels.
    """

    bounded = True
    likelihood_points = 16
    annealing = Annealing(chains=2, temperatures=100, step=0.5, rate=0.2)
    importance_codes = 1000
    files: ClassVar[Files]
    home: ClassVar[str]
    test_points: ClassVar[int] = 2048
    representation: str = own("scaled", among=REPRESENTATIONS)
    part: float = own(1.0, above=0.0, most=1.0)
    part_labelled: float = own(1.0, above=0.0, most=1.0)

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.binary = self.representation == "binary"
        self.levels = LEVELS if self.representation == "dequantised" else None

    @property
    def prepared(self) -> Prepared:
        """Its images, and the folder that what is made of them is kept in. Raises ValueError, OSError where there are none."""
        return prepared(self.plain, self.files, self.x_dim)

    @property
    def featured(self) -> bool:
        """Whether its images have classes, which a classifier learns, or somebody's file gives features."""
        return bool(self.classes) or FEATURES.named() is not None

    @property
    def recogniser(self) -> Recogniser | None:
        """A classifier of all its labelled training images, whichever part of them and representation a model sees; it was trained
        on images as they are scaled. Or features by a file (`trainables.recognition.scripted`).
        """
        own, path = (
            classifier(self.prepared, self.shape, self.classes) if self.classes else None,
            FEATURES.named(),
        )
        return scripted(Path(path), of_image(self.shape), self.classes, own) if path else own

    @property
    def posterior(self) -> bool:
        """Whether its images have classes."""
        return bool(self.classes)

    def log_posterior(self, x: Tensor) -> Tensor:
        """By the classifier, [n, classes] from points [n, x_dim]."""
        if self.recogniser is None:
            return super().log_posterior(x)
        return self.recogniser(x).log_posterior

    def prepare(self, told: Told) -> None:
        """Its classifier; a file that gives its features is tried."""
        if self.classes:
            classifier(self.prepared, self.shape, self.classes, told)
        self.recogniser  # noqa: B018

    @property
    def version(self) -> str:
        return f"{self.name}-{self.prepared.digest[:12]}-v1"

    def has_version(self, version: str) -> bool:
        return version.startswith(f"{self.name}-") and self.version == version

    @property
    def train_points(self) -> int:
        return len(self._bytes())

    @property
    def stored(self) -> Tensor:
        """uint8 [train_points, x_dim + 1]: pixels, then the label, `UNLABELLED` for none; mapped, and shared by processes."""
        return torch.from_numpy(self._bytes())

    @property
    def labels(self) -> Tensor:
        """Of the training images, int64 [train_points]; `UNLABELLED` for none."""
        return self.stored[:, self.x_dim].long()

    @functools.cached_property
    def labelled(self) -> float:
        return float((self.labels != UNLABELLED).float().mean()) if self.classes else 0.0

    def rows(self, stored: Tensor, numbers: Tensor) -> Tensor:
        return self._rows(stored, numbers, "train")

    @property
    def train(self) -> Tensor:
        """All of them in float32: for looking at few; training reads `stored`."""
        return self.rows(self.stored, torch.arange(self.train_points))

    @functools.cached_property
    def test(self) -> Tensor:
        """The first `test_points` of the test images."""
        stored = torch.from_numpy(self.prepared.test[: self.test_points])
        return self._rows(stored, torch.arange(len(stored)), "test")

    def _rows(self, stored: Tensor, numbers: Tensor, split: str) -> Tensor:
        pixels, labels = stored[..., : self.x_dim], stored[..., self.x_dim :]
        if self.representation == "binary":
            x = (pixels >= LEVELS // 2).float()
        elif self.representation == "scaled":
            x = pixels / float(LEVELS - 1)
        else:
            x = (pixels + self._uniform(numbers, split)) / LEVELS
        classes = torch.arange(self.classes, device=stored.device)
        return torch.cat([x, (labels == classes).float()], -1)

    def _uniform(self, numbers: Tensor, split: str) -> Tensor:
        """Noise of the numbered images in [0, 1), in multiples of 1/65,536, which is what float32 holds beside a byte: [..., x_dim]."""
        device = numbers.device
        low, high = (
            torch.full((), int(word), device=device)
            for word in stream_key(self.plain, "dequantisation", split)
        )
        block = torch.arange(-(-self.x_dim // 8), device=device)
        zero = torch.zeros_like(block)
        words = philox((low, high), (block, numbers.unsqueeze(-1), zero, zero))
        halves = torch.cat([part for word in words for part in (word & STEPS - 1, word >> 16)], -1)
        return halves[..., : self.x_dim] / STEPS

    def _bytes(self) -> Bytes:
        """Training images with their labels, in the part that there is of them."""
        whole = self.prepared
        if self.part == self.part_labelled == 1:
            return whole.train
        return whole.derived(f"train-{self.part!r}-{self.part_labelled!r}", lambda: self._part(whole.train))

    def _part(self, rows: Bytes) -> Bytes:
        def some(rows: Bytes, part: float) -> np.ndarray:
            one_hot = torch.from_numpy(rows[:, self.x_dim :]) == torch.arange(self.classes)
            return balanced(one_hot.float(), math.ceil(part * len(rows))).numpy()

        few = rows[some(rows, self.part)]
        few[~some(few, self.part_labelled), self.x_dim] = UNLABELLED
        return few
