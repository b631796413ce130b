"""One batch of a joint adversarial system, as its players see it.

The encoder's joint q(x, z) = q(x) q(z|x) gives (x, z~); the decoder's p(x, z) = p(z) p(x|z) gives (x~, z).
Each quantity is computed when first asked for and once, so objectives that share a batch in a fused
cohort share the work, and an objective that needs no reconstruction pays for none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from torch import Tensor

from trainables.mixture import Z_DIM
from trainables.networks import NOISE_DIM

NOISE = {"z": Z_DIM, "epsilon": NOISE_DIM, "xi": NOISE_DIM, "epsilon_again": NOISE_DIM, "xi_again": NOISE_DIM}
"""Standard-normal inputs of one batch and their dimensions: z ~ p(z); ε, ξ of the first pass; ε', ξ'."""


class JointBatch:
    """(x, z~) ~ q and (x~, z) ~ p for ONE model and ONE batch.

    Args:
        networks: name -> function, for `encoder` (x, ε), `decoder` (z, ξ) and `critic` (x, z, dropout).
        x: data, [batch, x_dim].
        noise: [batch, sum of NOISE's dimensions].
        dropout: of the critic's hidden units, int64 [2, 5] as in `philox.multipliers` (first for pairs
            from q, second for pairs from p), or None.
    """

    def __init__(
        self, networks: Mapping[str, Callable[..., Tensor]], x: Tensor, noise: Tensor, dropout: Tensor | None
    ) -> None:
        self.networks = networks
        self.x = x
        self.z, self.epsilon, self.xi, self.epsilon_again, self.xi_again = noise.split(
            list(NOISE.values()), dim=-1
        )
        self.dropout_q: Tensor | None = None
        self.dropout_p: Tensor | None = None
        if dropout is not None:
            self.dropout_q, self.dropout_p = dropout.unbind(0)

    @cached_property
    def z_q(self) -> Tensor:
        """z~ = z_φ(x, ε), [batch, z_dim]."""
        return self.networks["encoder"](self.x, self.epsilon)

    @cached_property
    def x_p(self) -> Tensor:
        """x~ = x_θ(z, ξ), [batch, x_dim]."""
        return self.networks["decoder"](self.z, self.xi)

    @cached_property
    def f_q(self) -> Tensor:
        """f(x, z~), [batch]."""
        return self.networks["critic"](self.x, self.z_q, self.dropout_q)

    @cached_property
    def f_p(self) -> Tensor:
        """f(x~, z), [batch]."""
        return self.networks["critic"](self.x_p, self.z, self.dropout_p)

    @cached_property
    def R_x(self) -> Tensor:
        """R_x = E‖x − x_θ(z~, ξ')‖², averaged over batch and dimensions."""
        return (self.x - self.networks["decoder"](self.z_q, self.xi_again)).square().mean()

    @cached_property
    def R_z(self) -> Tensor:
        """R_z = E‖z − z_φ(x~, ε')‖², averaged over batch and dimensions."""
        return (self.z - self.networks["encoder"](self.x_p, self.epsilon_again)).square().mean()
