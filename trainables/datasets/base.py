"""What a data set is: points to train and test on, the spaces of a model of them, and how such a model is judged."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from trainables import metrics

if TYPE_CHECKING:
    from trainables.models.batch import Model


class DataSet(ABC):
    """Data, and metrics of ONE model of it. Final subclasses set the attributes.

    Attributes:
        name: what a study calls it.
        version: names its points and how models of them generate and are judged, and ends in a number, as digits-v2: it is
            raised where these change, and stored runs keep their own.
        shape: of a point, as one looks at it.
        x_dim, z_dim, noise_dim: dimensions of a point, of a code, and of the noise that implicit networks take.
        classes: labels that follow each point in its row, one-hot.
        binary: whether an explicit decoder is Bernoulli, with logits, or Gaussian, with means and log-variances.
        bounded: whether points lie in [0, 1], so that what an implicit decoder gives is squashed into it by a sigmoid.
        levels: of a dimension of quantised data, which lie in [0, 1] with the uniform noise of one level added; or None.
        single: whether there is one observation, and all rows are that.
        known: networks that come with the data and are not trained, by name: the decoder, where p(x|z) is known.
        coordinates: names of a point's coordinates, where they have any; then a point is what is generated there.
        concluded_always: whether `conclude` is so cheap that every evaluation has it.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    shape: ClassVar[tuple[int, ...]]
    x_dim: ClassVar[int]
    z_dim: ClassVar[int]
    noise_dim: ClassVar[int]
    classes: ClassVar[int] = 0
    binary: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    levels: ClassVar[int | None] = None
    single: ClassVar[bool] = False
    known: ClassVar[Mapping[str, Callable[..., Tensor]]] = {}
    coordinates: ClassVar[tuple[str, ...]] = ()
    concluded_always: ClassVar[bool] = False

    @property
    @abstractmethod
    def train(self) -> Tensor:
        """Training points and their labels [n, x_dim + classes], float32, the same for every run."""

    @property
    @abstractmethod
    def test(self) -> Tensor:
        """Test points and their labels [n, x_dim + classes], float32."""

    @functools.cached_property
    def labelled(self) -> float:
        """Share of the training points that have a label; those of the others are all 0."""
        return float(self.train[:, self.x_dim :].sum()) / len(self.train)

    @property
    def best(self) -> Mapping[str, float]:
        """Metric -> its best possible value, of those whose best depends on the data: no inception score exceeds `classes`."""
        return {"inception_score": float(self.classes)} if self.classes else {}

    @property
    def reference(self) -> Tensor | None:
        """What generated points are compared with where it is not the data: [n, *shape]; or None."""
        return None

    @abstractmethod
    def evaluate(self, model: Model, x: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        """Metrics of one model by name, each a scalar, and its generated `points` [n, x_dim]; in float64.

        A metric of what the model does not have, such as the reconstruction of one without an encoder, is left out.

        Args:
            model: its encoder and decoder, as functions; it holds the test points' labels.
            x: the test points.
            noise: z, epsilon, xi, epsilon_again for as many points, the same at every evaluation.
        """

    @staticmethod
    def accuracies(model: Model, x: Tensor, log_posterior: Tensor) -> dict[str, Tensor]:
        """`accuracy` of a model with labels: of its classifier at the test points, or of what it generates for their labels."""
        if not model.form.conditional or model.y is None:
            return {}
        by_label = model.log_class(x) if model.has("classifier") else log_posterior
        return {"accuracy": metrics.accuracy(by_label, model.y)}

    def conclude(self, model: Model, draw: Callable[..., Tensor]) -> dict[str, float]:
        """Metrics of one model after its last iteration that take too long to follow along the way.

        Args:
            model: as above, not vectorised.
            draw: standard-normal numbers of a shape and a name, the same at every call.
        """
        return {}
