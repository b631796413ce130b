"""ONE trained model as its metrics see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainables.datasets import domains
from trainables.estimators.neighbourhoods import Neighbourhoods, nearest_of
from trainables.models.batch import Model
from trainables.recognition.base import Recognised

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

Bound = Callable[[Model, Tensor, Tensor], Tensor]
"""The evidence lower bound of a model at points x from the ε of their codes, in nats: [n]."""
Draw = Callable[..., Tensor]
"""Standard-normal numbers of a shape and a name, the same at every call: `draw(100, 2, name="epsilon")`."""


class Evaluated:
    """Points and codes that a model generates, encodes and reconstructs at the test points; each is computed when first asked for, and once.

    Args:
        model: its encoder and decoder, as functions; it holds the test points' labels.
        x: the test points, [n, x_dim].
        noise: z, epsilon, xi, epsilon_again, xi_again … for as many points, the same at every evaluation; z of data of two domains are
            test points of the second.
        bound: the evidence lower bound that the model's objective has, or None.
        draw: of a metric that takes one model after the other, further random numbers, named by run; else None.
    """

    def __init__(
        self,
        model: Model,
        x: Tensor,
        noise: Mapping[str, Tensor],
        bound: Bound | None = None,
        draw: Draw | None = None,
    ) -> None:
        self.model, self.x, self.noise, self.bound = model, x, noise, bound
        self._draw = draw

    @property
    def data(self) -> DataSet:
        """The data set that the model is of."""
        return self.model.data

    @property
    def y(self) -> Tensor | None:
        """Labels of the test points, one-hot [n, classes]."""
        return self.model.y

    @property
    def other_y(self) -> Tensor:
        """Labels of the second domain's test points, which z are, one-hot [n, classes]."""
        other = self.data.other
        assert other is not None
        return other.test[domains.places(self.data, other), other.x_dim :].to(self.x.device)

    def draw(self, *shape: int, name: str) -> Tensor:
        """Standard-normal numbers, the same at every evaluation of the run and whatever it is trained beside.

        Raises:
            RuntimeError: the metric does not declare `alone`.
        """
        if self._draw is None:
            raise RuntimeError("a metric draws numbers only where it declares alone = True")
        return self._draw(*shape, name=name)

    @cached_property
    def generated(self) -> Tensor:
        """x~ = x_θ(z, ξ), [n, x_dim], float32."""
        return self.model.decode(self.noise["z"], self.noise["xi"])

    @cached_property
    def z(self) -> Tensor:
        """z~ = z_φ(x, ε), [n, z_dim], float32."""
        return self.model.encode(self.x, self.noise["epsilon"])

    @cached_property
    def x_again(self) -> Tensor:
        """The mean of x given z~, [n, x_dim], float64."""
        return self.model.mean_of_x(self.z, self.noise["xi"]).double()

    @cached_property
    def z_again(self) -> Tensor:
        """z_φ(x~, ε') of the generated points, [n, z_dim], float64."""
        return self.model.encode(self.generated, self.noise["epsilon_again"]).double()

    @cached_property
    def log_posterior(self) -> Tensor:
        """log p(class | x~) of the generated points, as the data have it: [n, classes], float64."""
        if self.data.featured:
            return self.recognised.log_posterior
        return self.data.log_posterior(self.generated.double())

    @cached_property
    def recognised(self) -> Recognised:
        """Features [n, d] and log p(class | x~) [n, classes] of the generated images, float64, in one pass."""
        assert self.data.recogniser is not None
        return self.data.recogniser(self.generated)

    @property
    def features(self) -> Tensor:
        """Features of the generated images, [n, d], float64; the generated points themselves where they are `low_dimensional`."""
        return self.recognised.features if self.data.featured else self.data.features(self.generated)

    @cached_property
    def neighbourhoods(self) -> Neighbourhoods:
        """Generated points among the test points, in the space of features."""
        real = self.data.test_features
        return Neighbourhoods(real.to(self.features), self.features, nearest_of(real).to(self.features))

    @cached_property
    def elbo(self) -> Tensor:
        """The bound at each test point, from one ε of each code that it has, in nats: [n], float64."""
        assert self.bound is not None
        epsilon = torch.cat([self.noise[piece] for piece in self.model.form.codes], -1)
        return self.bound(self.model, self.x, epsilon).double()

    @property
    def points(self) -> Tensor:
        """The points to keep, [n, d]: what is generated; where the decoder is known and not trained, the codes; without one, none."""
        if not self.model.has("decoder"):
            return self.x[:0]
        return self.z if "decoder" in self.data.known else self.generated
