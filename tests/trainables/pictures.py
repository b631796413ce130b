"""A data set of made images, with a classifier of them: bars of four directions on noise."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import ClassVar, final

import torch
from torch import Tensor

from trainables.datasets.base import Annealing, DataSet
from trainables.recognition import stored
from trainables.recognition.training import Labelled, Split

SIDE, CLASSES, TRAIN, TEST = 12, 4, 512, 128


@final
class Bars(DataSet):
    """Binary images of one bar each, which its label gives the direction of."""

    name = "bars"
    version = "bars-v1"
    shape = (SIDE, SIDE)
    x_dim = SIDE * SIDE
    z_dim = 3
    noise_dim = 3
    classes = CLASSES
    binary = True
    bounded = True
    likelihood_points = 4
    annealing = Annealing(2, 8)
    importance_codes = 16
    folder: ClassVar[Path | None] = None
    """Folder of its classifier."""

    @property
    def train(self) -> Tensor:
        return _rows()[:TRAIN]

    @property
    def test(self) -> Tensor:
        return _rows()[TRAIN:]

    @property
    def recogniser(self) -> stored.Classifier:
        """A classifier of all of them."""
        assert self.folder is not None
        return _classifier(self.folder)

    def log_posterior(self, x: Tensor) -> Tensor:
        """By the classifier."""
        return self.recogniser(x).log_posterior


@functools.cache
def _rows() -> Tensor:
    images, labels = drawn(TRAIN + TEST)
    return torch.cat([(images > 127).flatten(1).float(), torch.eye(CLASSES)[labels]], -1)


def drawn(count: int) -> Labelled:
    """Images [n, 1, 12, 12] and the directions of their bars."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % CLASSES
    places = torch.randint(2, SIDE - 2, (count,), generator=generator)
    down, across = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    lines = torch.stack([down, across, (down + across) // 2, (down - across) // 2 + SIDE // 2])
    on = (lines[labels] - places[:, None, None]).abs() <= 1
    noise = torch.randint(0, 100, on.shape, generator=generator)
    return Labelled((on * 140 + noise).byte().unsqueeze(1), labels)


def split() -> Split:
    """All of them."""
    images, labels = drawn(TRAIN + TEST)
    return Split(Labelled(images[:TRAIN], labels[:TRAIN]), Labelled(images[TRAIN:], labels[TRAIN:]))


@functools.cache
def _classifier(folder: Path) -> stored.Classifier:
    return stored.classifier(folder, "bars", split, CLASSES)
