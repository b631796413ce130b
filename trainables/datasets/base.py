"""What a data set is: points to train and test on, the spaces of a model of them, and how such a model is judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

if TYPE_CHECKING:
    from trainables.batch import Model


class DataSet(ABC):
    """Data, and metrics of ONE model of it. Final subclasses set the attributes.

    Attributes:
        name: what a study calls it.
        version: names its points; a change of them is a change of it, and stored runs keep their own.
        x_dim, z_dim, noise_dim: dimensions of a point, of a code, and of the noise that implicit networks take.
        binary: whether an explicit decoder is Bernoulli, with logits, or Gaussian, with means and log-variances.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    x_dim: ClassVar[int]
    z_dim: ClassVar[int]
    noise_dim: ClassVar[int]
    binary: ClassVar[bool] = False

    @property
    @abstractmethod
    def train(self) -> Tensor:
        """Training points [n, x_dim], float32, the same for every run; n is at least the largest batch."""

    @property
    @abstractmethod
    def test(self) -> Tensor:
        """Test points [n, x_dim], float32."""

    @abstractmethod
    def evaluate(self, model: Model, x: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        """Metrics of one model by name, each a scalar, and its generated `points` [n, x_dim]; in float64.

        A metric of what the model does not have, such as the reconstruction of one without an encoder, is left out.

        Args:
            model: its encoder and decoder, as functions.
            x: the test points.
            noise: z, epsilon, xi, epsilon_again for as many points, the same at every evaluation.
        """
