"""ONE model, and one batch of it as its players see it.

The encoder's joint q(x, z) = q(x) q(z|x) gives (x, z~); the decoder's p(x, z) = p(z) p(x|z) gives (x~, z).
Each quantity is computed when first asked for and once, so objectives that share a batch in a fused cohort share the
work, and an objective that needs no reconstruction pays for none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainables.datasets import domains
from trainables.models import densities
from trainables.models.spec import Form, Net

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

Networks = Mapping[str, Callable[..., Tensor]]


class Model:
    """Encoder and decoder of ONE model, whichever of them it has and whether they are explicit or implicit.

    Args:
        networks: name -> function of its inputs, and for a critic of dropout.
        form: what the networks are.
        data: what it is a model of. Of binary data an explicit decoder is Bernoulli, else Gaussian; of bounded data what an
            implicit one gives is squashed into [0, 1].
        dropout: of the critics' hidden units, int64 [2, 5] as in `philox.multipliers` (first for the side of q,
            second for that of p), or None.
        y: labels, one-hot [batch, classes], that conditional networks take; or None.
    """

    def __init__(
        self,
        networks: Networks,
        form: Form,
        data: DataSet,
        dropout: Tensor | None = None,
        y: Tensor | None = None,
    ) -> None:
        self.networks, self.form, self.data, self.y = networks, form, data, y
        self._dropout: tuple[Tensor | None, ...] = (None, None) if dropout is None else dropout.unbind(0)

    def has(self, network: str) -> bool:
        """Whether there is a network of this name."""
        return network in self.form.networks

    def given(self, network: str, **quantities: Tensor) -> Tensor:
        """What an encoder or a decoder gives for what it takes of the quantities."""
        return self.networks[network](*self._inputs(network, quantities))

    def encode(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """z~ = z_φ(x, ε), [batch, z_dim]; of an explicit encoder a sample by reparametrisation."""
        if self.form.networks["encoder"].explicit:
            return densities.sample(self.given("encoder", x=x), epsilon, self._net("encoder"))
        return self._squashed(self.given("encoder", x=x, epsilon=epsilon), self.data.other)

    @property
    def knows_moments(self) -> bool:
        """Whether its encoder knows mean and variance of what it gives (`trainables.networks.base`)."""
        return getattr(self.networks["encoder"], "moments", None) is not None

    def moments(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of z~ over noise like ε [n, noise_dim], [batch, z_dim] each, of an encoder that knows them."""
        names, inputs = self._net("encoder").inputs, self._inputs("encoder", {"x": x, "epsilon": epsilon})
        others = [value for name, value in zip(names, inputs, strict=True) if name != "epsilon"]
        found: tuple[Tensor, Tensor] = self.networks["encoder"].moments(epsilon, *others)  # type: ignore[attr-defined]
        return found

    def decode(self, z: Tensor, xi: Tensor) -> Tensor:
        """x~ = x_θ(z, ξ), or x~ ~ p(x|z) of an explicit decoder: [batch, x_dim].

        A Gaussian sample has a gradient, by reparametrisation; a Bernoulli one, of 0s and 1s like the data, has none.
        """
        given = self.given("decoder", z=z, xi=xi)
        if not self.form.networks["decoder"].explicit:
            return self._squashed(given, self.data)
        if self.data.binary:
            return densities.sample_bernoulli(given, xi)
        return densities.sample(given, xi, self._net("decoder"))

    def mean_of_x(self, z: Tensor, xi: Tensor) -> Tensor:
        """The mean of an explicit p(x|z), [batch, x_dim], of a flow its Gaussian's image; a sample of an implicit one."""
        given = self.given("decoder", z=z, xi=xi)
        if not self.form.networks["decoder"].explicit:
            return self._squashed(given, self.data)
        if self.data.binary:
            return torch.sigmoid(given)
        return densities.centre(given, xi.shape[-1], self._net("decoder"))

    def log_p(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z) of an explicit decoder, summed over dimensions, in nats: [batch]."""
        return self.log_p_given(x, self.given("decoder", z=z))

    def log_p_given(self, x: Tensor, given: Tensor) -> Tensor:
        """The same from what the decoder gives at z; the two broadcast against each other."""
        if self.data.binary:
            return densities.log_bernoulli(x, given)
        return densities.log_density(x, given, self._net("decoder"))

    def log_q(self, z: Tensor, x: Tensor) -> Tensor:
        """log q(z|x) of an explicit encoder, in nats: [batch]."""
        return densities.log_density(z, self.given("encoder", x=x), self._net("encoder"))

    def elbo(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """E_q log p(x|z) − KL(q(z|x) ‖ p(z)) of explicit encoder and decoder, in nats: [batch].

        One sample of z from ε; the divergence in closed form, or of a flow from the sample.
        """
        given, net = self.given("encoder", x=x), self._net("encoder")
        if not net.flow:
            z = densities.sample(given, epsilon, net)
            return self.log_p(x, z) - densities.kl_to_prior(given, z.shape[-1], net)
        z, log_q = densities.sample_and_log_density(given, epsilon, net)
        return self.log_p(x, z) + densities.log_prior(z) - log_q

    def log_class(self, x: Tensor) -> Tensor:
        """log q(y|x) of a classifier of points, or of the features that an extractor gives of them: [batch, classes]."""
        seen = {"features": self.features(x)} if self.has("extractor") else {"x": x}
        return densities.log_softmax(self.given("classifier", **seen))

    def features(self, x: Tensor) -> Tensor:
        """Features of points that an extractor gives, [batch, width]."""
        return self.given("extractor", x=x)

    def labelled(self, y: Tensor) -> Model:
        """The same model with other labels, one-hot [batch, classes]."""
        return Model(self.networks, self.form, self.data, y=y)

    def score(self, critic: str, side: str, **quantities: Tensor) -> Tensor:
        """A critic's score of what it takes of the quantities, [batch]; `side`, q or p, selects its dropout.

        Of a part of a critic that gives features these, [batch, width].
        """
        return self.networks[critic](*self._inputs(critic, quantities), self._dropout["qp".index(side)])

    def _squashed(self, given: Tensor, domain: DataSet | None) -> Tensor:
        """Of bounded data within [0, 1], with the slope 1 in the middle: with 1/4, networks of this size do not get there."""
        return torch.sigmoid(4 * given - 2) if domain and domain.bounded else given

    def _net(self, network: str) -> Net:
        return self.form.networks[network]

    def _inputs(self, network: str, quantities: dict[str, Tensor]) -> list[Tensor]:
        there = quantities if self.y is None else {"y": self.y, **quantities}
        return [there[name] for name in self.form.networks[network].inputs]


class Batch(Model):
    """(x, z~) ~ q and (x~, z) ~ p for ONE model and ONE batch; z is drawn from the prior, or where the data have a second domain from that.

    Args:
        networks, form, data: as of a `Model`.
        rows: data, [batch, width] (`trainables.datasets.domains`): points, their labels, one-hot, and points of the second domain.
        noise: standard normal, [batch, sum of the dimensions of the form's noise].
        dropout: as of a `Model`.
    """

    def __init__(
        self,
        networks: Networks,
        form: Form,
        data: DataSet,
        rows: Tensor,
        noise: Tensor,
        dropout: Tensor | None = None,
    ) -> None:
        self.x, y, other = domains.parted(data, rows)
        super().__init__(networks, form, data, dropout, y)
        dims = form.dims(data)
        self.noise = dict(zip(dims, noise.split(list(dims.values()), dim=-1), strict=True))
        self.z = self.noise["z"] if other is None else other

    @cached_property
    def z_q(self) -> Tensor:
        """z~ = z_φ(x, ε), [batch, z_dim]."""
        return self.encode(self.x, self.noise["epsilon"])

    @cached_property
    def x_p(self) -> Tensor:
        """x~ = x_θ(z, ξ), [batch, x_dim]."""
        return self.decode(self.z, self.noise["xi"])

    @cached_property
    def f_q(self) -> Tensor:
        """f on the side of q, [batch]: f(x, z~), of a critic on x alone f(x), on z alone f(z~)."""
        codes = {"z": self.z_q} if "z" in self.form.networks["critic"].inputs else {}
        return self.score("critic", "q", x=self.x, **codes)

    @cached_property
    def f_p(self) -> Tensor:
        """f on the side of p, [batch]: f(x~, z), of a critic on x alone f(x~), on z alone f(z)."""
        points = {"x": self.x_p} if "x" in self.form.networks["critic"].inputs else {}
        return self.score("critic", "p", z=self.z, **points)

    @cached_property
    def x_again(self) -> Tensor:
        """The reconstruction x_θ(z~, ξ'), [batch, x_dim]."""
        return self.mean_of_x(self.z_q, self.noise["xi_again"])

    @cached_property
    def R_x(self) -> Tensor:
        """R_x = ½ E‖x − x_θ(z~, ξ')‖²: −log N(x; x_θ(z~, ξ'), I) in nats but for a constant."""
        return half_square(self.x - self.x_again)

    @cached_property
    def R_z(self) -> Tensor:
        """R_z = ½ E‖z − z_φ(x~, ε')‖²: −log N(z; z_φ(x~, ε'), I) in nats but for a constant."""
        return half_square(self.z - self.encode(self.x_p, self.noise["epsilon_again"]))


def half_square(error: Tensor) -> Tensor:
    """½ E‖error‖² of errors [batch, d]: a scalar. In the plane it is the mean square of an entry."""
    return error.shape[-1] / 2 * error.square().mean()


def shifted(values: Tensor) -> Tensor:
    """[batch, d] with every row in its predecessor's place: pairs of the rows with those of others are independent."""
    return torch.cat([values[1:], values[:1]])
