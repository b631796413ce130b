"""The toy data of the robustness study: five Gaussians in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from trainables import metrics, mixture
from trainables.datasets.base import DataSet

if TYPE_CHECKING:
    from trainables.batch import Model


@final
class Mixture5(DataSet):
    """2,048 training and 1,024 test points of the five Gaussians of `trainables.mixture`; every metric is exact."""

    name = "mixture5"
    version = mixture.DATA_VERSION
    x_dim = mixture.X_DIM
    z_dim = mixture.Z_DIM
    noise_dim = 2  # as in the released ALICE code

    @property
    def train(self) -> Tensor:
        return mixture.load().train

    @property
    def test(self) -> Tensor:
        return mixture.load().test

    def evaluate(self, model: Model, x: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        generated = model.decode(noise["z"], noise["xi"])
        points = generated.double()
        values = {
            "inception_score": metrics.inception_score(mixture.log_posterior(points)),
            "modes_covered": metrics.modes_covered(points),
            "on_mode_share": metrics.on_mode_share(points),
            "points": points,
        }
        if not model.has("encoder"):
            return values
        x_again = model.mean_of_x(model.encode(x, noise["epsilon"]), noise["xi"]).double()
        z_again = model.encode(generated, noise["epsilon_again"]).double()
        return {
            "mse_x": metrics.mean_squared_error(x.double(), x_again),
            "mse_z": metrics.mean_squared_error(noise["z"].double(), z_again),
            **values,
        }
