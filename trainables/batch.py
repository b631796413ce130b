"""ONE model, and one batch of it as its players see it.

The encoder's joint q(x, z) = q(x) q(z|x) gives (x, z~); the decoder's p(x, z) = p(z) p(x|z) gives (x~, z).
Each quantity is computed when first asked for and once, so objectives that share a batch in a fused cohort share the
work, and an objective that needs no reconstruction pays for none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.form import Form

Networks = Mapping[str, Callable[..., Tensor]]
LOG_2PI = math.log(2 * math.pi)


class Model:
    """Encoder and decoder of ONE model, whichever of them it has and whether they are explicit or implicit.

    Args:
        networks: name -> function of its inputs, and for a critic of dropout.
        form: what the networks are.
        binary: whether an explicit decoder is Bernoulli; else it is Gaussian.
    """

    def __init__(self, networks: Networks, form: Form, binary: bool = False) -> None:
        self.networks, self.form, self.binary = networks, form, binary

    def has(self, network: str) -> bool:
        """Whether there is a network of this name."""
        return network in self.form.networks

    def encode(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """z~ = z_φ(x, ε), [batch, z_dim]; of an explicit encoder a sample by reparametrisation."""
        if self.form.networks["encoder"].explicit:
            return _sampled(self.networks["encoder"](x), epsilon)
        return self.networks["encoder"](x, epsilon)

    def decode(self, z: Tensor, xi: Tensor) -> Tensor:
        """x~ = x_θ(z, ξ), [batch, x_dim]; of a Gaussian decoder a sample, of a Bernoulli one its mean."""
        if not self.form.networks["decoder"].explicit:
            return self.networks["decoder"](z, xi)
        given = self.networks["decoder"](z)
        return torch.sigmoid(given) if self.binary else _sampled(given, xi)

    def mean_of_x(self, z: Tensor, xi: Tensor) -> Tensor:
        """The mean of an explicit p(x|z), [batch, x_dim]; a sample of an implicit one."""
        if not self.form.networks["decoder"].explicit:
            return self.networks["decoder"](z, xi)
        given = self.networks["decoder"](z)
        return torch.sigmoid(given) if self.binary else given.chunk(2, -1)[0]

    def log_p(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z) of an explicit decoder, summed over dimensions, in nats: [batch]."""
        given = self.networks["decoder"](z)
        if self.binary:
            return -(softplus(given) - x * given).sum(-1)
        return _log_normal(x, given)

    def log_q(self, z: Tensor, x: Tensor) -> Tensor:
        """log q(z|x) of an explicit encoder, in nats: [batch]."""
        return _log_normal(z, self.networks["encoder"](x))


class Batch(Model):
    """(x, z~) ~ q and (x~, z) ~ p for ONE model and ONE batch.

    Args:
        networks, form, binary: as of a `Model`.
        x: data, [batch, x_dim].
        noise: standard normal, [batch, sum of the dimensions of the form's noise].
        dims: dimension of each piece of the noise.
        dropout: of the critics' hidden units, int64 [2, 5] as in `philox.multipliers` (first for the side of q,
            second for that of p), or None.
    """

    def __init__(
        self,
        networks: Networks,
        form: Form,
        x: Tensor,
        noise: Tensor,
        dims: Mapping[str, int],
        dropout: Tensor | None = None,
        binary: bool = False,
    ) -> None:
        super().__init__(networks, form, binary)
        self.x = x
        self.noise = dict(zip(dims, noise.split(list(dims.values()), dim=-1), strict=True))
        self.z = self.noise["z"]
        self._dropout: tuple[Tensor | None, ...] = (None, None) if dropout is None else dropout.unbind(0)

    def score(self, critic: str, side: str, **quantities: Tensor) -> Tensor:
        """A critic's score of what it takes of the quantities, [batch]; `side`, q or p, selects its dropout."""
        inputs = (quantities[name] for name in self.form.networks[critic].inputs)
        return self.networks[critic](*inputs, self._dropout["qp".index(side)])

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
        critic = self.form.networks["critic"].inputs
        return self.score("critic", "q", **({"x": self.x} if "x" in critic else {}),
                          **({"z": self.z_q} if "z" in critic else {}))  # fmt: skip

    @cached_property
    def f_p(self) -> Tensor:
        """f on the side of p, [batch]: f(x~, z), of a critic on x alone f(x~), on z alone f(z)."""
        critic = self.form.networks["critic"].inputs
        return self.score("critic", "p", **({"x": self.x_p} if "x" in critic else {}),
                          **({"z": self.z} if "z" in critic else {}))  # fmt: skip

    @cached_property
    def x_again(self) -> Tensor:
        """The reconstruction x_θ(z~, ξ'), [batch, x_dim]."""
        return self.mean_of_x(self.z_q, self.noise["xi_again"])

    @cached_property
    def R_x(self) -> Tensor:
        """R_x = E‖x − x_θ(z~, ξ')‖², averaged over batch and dimensions."""
        return (self.x - self.x_again).square().mean()

    @cached_property
    def R_z(self) -> Tensor:
        """R_z = E‖z − z_φ(x~, ε')‖², averaged over batch and dimensions."""
        return (self.z - self.encode(self.x_p, self.noise["epsilon_again"])).square().mean()

    def elbo(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """E_q log p(x|z) − KL(q(z|x) ‖ p(z)) of explicit encoder and decoder, in nats: [batch].

        One sample of z from ε; the divergence in closed form.
        """
        given = self.networks["encoder"](x)
        mean, log_variance = given.chunk(2, -1)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
        return self.log_p(x, _sampled(given, epsilon)) - kl


def shifted(values: Tensor) -> Tensor:
    """[batch, d] with every row in its predecessor's place: pairs of the rows with those of others are independent."""
    return torch.cat([values[1:], values[:1]])


def _sampled(given: Tensor, noise: Tensor) -> Tensor:
    mean, log_variance = given.chunk(2, -1)
    return mean + (0.5 * log_variance).exp() * noise


def _log_normal(value: Tensor, given: Tensor) -> Tensor:
    """log N(value; mean, exp(log-variance)) summed over dimensions, of `given` = both side by side."""
    mean, log_variance = given.chunk(2, -1)
    return -0.5 * ((value - mean).square() * (-log_variance).exp() + log_variance + LOG_2PI).sum(-1)
