"""The toy data of the robustness study: five Gaussians in the plane; the Gaussian that is nearest is a point's label."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from trainables import metrics
from trainables.datasets import mixture
from trainables.datasets.base import DataSet

if TYPE_CHECKING:
    from trainables.models.batch import Model


@final
class Mixture5(DataSet):
    """2,048 training and 1,024 test points of the five Gaussians of `trainables.datasets.mixture`; every metric is exact."""

    name = "mixture5"
    version = mixture.DATA_VERSION
    shape = (mixture.X_DIM,)
    x_dim = mixture.X_DIM
    z_dim = mixture.Z_DIM
    classes = mixture.MODES
    noise_dim = 2  # as in the released ALICE code

    @property
    def train(self) -> Tensor:
        return _labelled("train")

    @property
    def test(self) -> Tensor:
        return _labelled("test")

    @property
    def best(self) -> Mapping[str, float]:
        return {**super().best, "modes_covered": float(mixture.MODES)}

    def evaluate(self, model: Model, x: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        generated = model.decode(noise["z"], noise["xi"])
        points = generated.double()
        log_posterior = mixture.log_posterior(points)
        values = {
            "inception_score": metrics.inception_score(log_posterior),
            "modes_covered": metrics.modes_covered(points),
            "on_mode_share": metrics.on_mode_share(points),
            "points": points,
        }
        values |= self.accuracies(model, x, log_posterior)
        if not model.has("encoder"):
            return values
        x_again = model.mean_of_x(model.encode(x, noise["epsilon"]), noise["xi"]).double()
        z_again = model.encode(generated, noise["epsilon_again"]).double()
        return {
            "mse_x": metrics.mean_squared_error(x.double(), x_again),
            "mse_z": metrics.mean_squared_error(noise["z"].double(), z_again),
            **values,
        }


@functools.cache
def _labelled(part: str) -> Tensor:
    points: Tensor = getattr(mixture.load(), part)
    labels = mixture.log_posterior(points).argmax(-1)
    return torch.cat([points, torch.eye(mixture.MODES)[labels]], -1)
