"""The synthetic data of adversarial variational Bayes: four 2×2 binary images."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from trainables import metrics
from trainables.datasets.base import DataSet
from trainables.estimators import quadrature
from trainables.estimators.neighbours import kl_divergence

if TYPE_CHECKING:
    from trainables.models.batch import Model

IMAGES = 4
TRAIN_POINTS = 2048
TEST_POINTS = 1024
CODES = 4096
"""Codes that KL(q(z) ‖ p(z)) is estimated from, and as many of the prior."""


@final
class FourImages(DataSet):
    """Images of one white pixel each, equally often.

    Source: Mescheder et al. 2017, §5.2 and figure 5. The optimal log-likelihood is −log 4 = −1.386.
    """

    name = "four_images"
    version = "four_images-v2"
    shape = (2, 2)
    x_dim = IMAGES
    classes = IMAGES
    z_dim = 2
    noise_dim = 8
    binary = True
    bounded = True

    @property
    def train(self) -> Tensor:
        return _images(TRAIN_POINTS).repeat(1, 2)  # an image is its own label

    @property
    def test(self) -> Tensor:
        return _images(TEST_POINTS).repeat(1, 2)

    def evaluate(self, model: Model, x: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        points = model.decode(noise["z"], noise["xi"]).double()
        # Which image a generated one is nearest to is known but for points near no image: a sharp posterior.
        log_posterior = torch.log_softmax(10 * points, -1)
        values = {"inception_score": metrics.inception_score(log_posterior), "points": points}
        values |= self.accuracies(model, x, log_posterior)
        if not model.has("encoder"):
            return values
        z = model.encode(x, noise["epsilon"])
        values["mse_x"] = metrics.mean_squared_error(x.double(), model.mean_of_x(z, noise["xi"]).double())
        if model.form.networks["decoder"].explicit:
            values["reconstruction"] = -model.log_p(x, z).double().mean()
        return values

    def conclude(self, model: Model, draw: Callable[..., Tensor]) -> dict[str, float]:
        """log p(x) by quadrature over the two-dimensional code; KL(q(z) ‖ p(z)) from nearest neighbours."""
        if model.form.conditional:
            return {}
        found, prior = {}, draw(CODES, self.z_dim, name="prior")
        images = _images(CODES).to(prior.device)
        if model.form.networks["decoder"].explicit:
            found["log_likelihood"] = quadrature.by_quadrature(model, images[:IMAGES]).mean().item()
        if model.has("encoder"):
            codes = model.encode(images, draw(CODES, model.form.dims(self)["epsilon"], name="epsilon"))
            found["kl_z"] = kl_divergence(codes, prior).item()
        return found


@functools.cache
def _images(count: int) -> Tensor:
    """Each image in turn, [count, 4]."""
    return torch.eye(IMAGES).repeat(count // IMAGES, 1)
