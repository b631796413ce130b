"""Metrics of real images, on Fashion-MNIST where Debian's package dataset-fashion-mnist is installed: minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables import datasets
from trainables.datasets.images.fashion_mnist import FashionMnist
from trainables.estimators import frechet, kernels
from trainables.estimators.neighbourhoods import Neighbourhoods
from trainables.recognition.stored import Classifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not any(Path(folder).exists() for folder in FashionMnist.files.elsewhere),
        reason="needs the package dataset-fashion-mnist",
    ),
]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """The one beside the prepared images."""
    found = datasets.find("fashion_mnist").recogniser
    assert isinstance(found, Classifier)
    return found


def halves() -> tuple[Tensor, Tensor]:
    """The first and the second 2,048 of the test images, in [0, 1]."""
    data = datasets.find("fashion_mnist")
    assert isinstance(data, FashionMnist)
    images = torch.from_numpy(data.prepared.test[: 2 * 2048, :-1]) / 255
    return images[:2048], images[2048:]


def blurred(images: Tensor) -> Tensor:
    """Means of 5 × 5 pixels."""
    return functional.avg_pool2d(images.unflatten(1, (1, 28, 28)), 5, 1, 2).flatten(1)


def test_classifier_is_right_for_nine_of_ten(classifier: Classifier) -> None:
    data = datasets.find("fashion_mnist")
    assert isinstance(data, FashionMnist)
    rows = torch.from_numpy(data.prepared.test)
    right = classifier(rows[:, :-1] / 255).log_posterior.argmax(1) == rows[:, -1]
    assert classifier.accuracy == right.double().mean().item() >= 0.9


def test_distances_tell_images_from_blurred_ones_and_those_from_noise(classifier: Classifier) -> None:
    one, other = halves()
    noise = torch.rand(one.shape, generator=torch.Generator().manual_seed(0))
    reference = classifier(one).features
    features = {
        "half": classifier(other).features,
        "blurred": classifier(blurred(other)).features,
        "noise": classifier(noise).features,
    }
    moments = frechet.moments(reference)
    by_moments = [frechet.distance(moments, frechet.moments(f)).item() for f in features.values()]
    by_kernel = [kernels.squared_mmd(reference, f).item() for f in features.values()]
    assert 10 * by_moments[0] < by_moments[1] < by_moments[2] / 1.5
    assert 10 * abs(by_kernel[0]) < by_kernel[1] < by_kernel[2] / 1.2
    near, far = (Neighbourhoods(reference, features[name]) for name in ("half", "noise"))
    assert near.coverage() == pytest.approx(1 - 2**-5, abs=0.02)
    assert near.density() == pytest.approx(1.0, abs=0.1)
    assert near.precision() > 0.8
    assert near.recall() > 0.8
    assert far.recall() < 0.05
    assert far.coverage() < 0.05
