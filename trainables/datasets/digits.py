"""Real images without a download: the 1,797 handwritten digits of scikit-learn, 8×8 pixels of 17 grey levels."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from trainables.datasets.base import DataSet, balanced
from trainables.randomness.streams import stream

LEVELS = 17
"""Grey levels: 0 … 16."""

TEST_POINTS = 360
"""A fifth; the other 1,437 are trained on."""

CLASSES = 10


class Digits(DataSet):
    """The digits, whichever way they are represented; the inception score is by a classifier of the same pixels."""

    shape = (8, 8)
    ink = True
    x_dim = 64
    z_dim = 8
    noise_dim = 8
    classes = CLASSES
    bounded = True
    likelihood_points = 64
    part: ClassVar[float] = 1.0
    """Of the training digits, as many of each class, that there are; they are repeated to as many as all of them."""
    part_labelled: ClassVar[float] = 1.0
    """Of the training digits, as many of each class, that have labels; those of the others are all 0."""

    @property
    def train(self) -> Tensor:
        rows = self._rows()[:-TEST_POINTS]
        labels = rows[:, self.x_dim :]
        few = balanced(labels, math.ceil(self.part * len(rows)))
        labels *= balanced(labels, math.ceil(self.part_labelled * len(rows))).unsqueeze(-1)
        return rows[few].repeat(math.ceil(len(rows) / int(few.sum())), 1)[: len(rows)]

    @functools.cached_property
    def train_points(self) -> int:  # each run asks for it
        return len(self.train)

    @property
    def test(self) -> Tensor:
        return self._rows()[-TEST_POINTS:]

    def points(self) -> Tensor:
        """All of them, [1797, 64], shuffled once."""
        raise NotImplementedError

    def _rows(self) -> Tensor:
        return torch.cat([self.points(), torch.eye(CLASSES)[_images().labels]], -1)

    def log_posterior(self, x: Tensor) -> Tensor:
        """By the classifier of these pixels."""
        return classifier(self.name).log_posterior(x)


class Binarised(Digits):
    """A pixel is on where it is darker than half."""

    binary = True

    def points(self) -> Tensor:
        return (_images().grey > (LEVELS - 1) / 2).float()


@final
class BinaryDigits(Binarised):
    """All of them, 1,437 to train on."""

    name = "digits"
    version = "digits-binary-v2"


@final
class TenthOfDigits(Binarised):
    """144 of the training digits, 14 or 15 of each class."""

    name = "digits_10pct"
    version = "digits-binary-10pct-v2"
    part = 0.1


@final
class HundredthOfDigits(Binarised):
    """15 of the training digits, one or two of each class."""

    name = "digits_1pct"
    version = "digits-binary-1pct-v2"
    part = 0.01


@final
class TenthOfLabels(Binarised):
    """All of the digits, the labels of 144 alone, 14 or 15 of each class."""

    name = "digits_10pct_labels"
    version = "digits-binary-10pct-labels-v2"
    part_labelled = 0.1


@final
class HundredthOfLabels(Binarised):
    """All of the digits, the labels of 15 alone, one or two of each class."""

    name = "digits_1pct_labels"
    version = "digits-binary-1pct-labels-v2"
    part_labelled = 0.01


class GreyDigits(Digits):
    """Grey levels with uniform noise in [0, 1) added and divided by 17: a density of the pixels bounds that of the levels.

    Source: the treatment of Pu et al. 2017 (AS-VAE), §5.1.
    """

    levels = LEVELS
    name = "digits_grey"
    version = "digits-grey-v2"

    def points(self) -> Tensor:
        return (_images().grey + _images().uniform) / LEVELS


class Images(NamedTuple):
    """Grey levels [n, 64], labels [n] and fixed uniform noise [n, 64]."""

    grey: Tensor
    labels: Tensor
    uniform: Tensor


@functools.cache
def _images() -> Images:
    from sklearn.datasets import load_digits  # a second, of those that need no digits

    pixels, labels = load_digits(return_X_y=True)
    order = stream("digits-v1", "order").permutation(len(pixels))
    uniform = stream("digits-v1", "dequantisation").random(pixels.shape, dtype=np.float32)
    return Images(
        torch.from_numpy(pixels[order].astype(np.float32)),
        torch.from_numpy(labels[order]),
        torch.from_numpy(uniform),
    )


@dataclass(frozen=True)
class Classifier:
    """A classifier of one hidden layer: weights [64, h], bias [h], weights [h, 10], bias [10]; and its test accuracy."""

    hidden: Tensor
    hidden_bias: Tensor
    output: Tensor
    output_bias: Tensor
    accuracy: float

    def log_posterior(self, x: Tensor) -> Tensor:
        """log p(label | x), float64: [..., 10] from points [..., 64]."""
        h = torch.relu(x.double() @ self.hidden.to(x.device) + self.hidden_bias.to(x.device))
        return torch.log_softmax(h @ self.output.to(x.device) + self.output_bias.to(x.device), -1)


@functools.cache
def classifier(name: str) -> Classifier:
    """Trained on all training digits of a representation, the same in every process; it takes a second.

    256 hidden units, scikit-learn's Adam. It is right for 94.4 % of the binarised test digits, 97.8 % of the grey ones.
    """
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    from trainables import datasets

    data = datasets.find("digits" if datasets.find(name).binary else "digits_grey")
    labels = _images().labels.numpy()
    train, test = (points[:, : data.x_dim].double().numpy() for points in (data.train, data.test))
    found = MLPClassifier((256,), alpha=0.1, max_iter=1000, random_state=0)
    with threadpool_limits(1):  # sums in the same order however many cores there are
        found.fit(train, labels[:-TEST_POINTS])
    (hidden, output), (hidden_bias, output_bias) = found.coefs_, found.intercepts_
    arrays = [torch.from_numpy(np.ascontiguousarray(a)) for a in (hidden, hidden_bias, output, output_bias)]
    accuracy = float(found.score(test, labels[-TEST_POINTS:]))
    return Classifier(arrays[0], arrays[1], arrays[2], arrays[3], accuracy)
