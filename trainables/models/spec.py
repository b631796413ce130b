"""The form of a system: which networks it has, who trains them, and what noise they take.

Runs of systems of one form train in one cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

NOISE = ("z", "epsilon", "xi", "epsilon_again", "xi_again")
"""Standard-normal inputs of one batch: z ~ p(z); ε, ξ of the first pass; ε', ξ' of the second."""


@dataclass(frozen=True)
class Net:
    """A network by what it reads and gives.

    Attributes:
        inputs: quantities (x, z, the label y, features, or a piece of noise) that it reads, concatenated.
        output: the quantity it gives, x, z or features; or a critic's score.
        explicit: whether it gives the parameters of a distribution of that, which then can be evaluated.
        flow: planar layers that bend an explicit Gaussian (`trainables.models.planar`); a Bernoulli is never bent.
        full_rank: whether the covariance of an explicit Gaussian is full, not diagonal.
        width: number of features that it gives, where these are its output.
        adversarial: whether it is a part of a critic, though it gives no score.
    """

    inputs: tuple[str, ...]
    output: str
    explicit: bool = False
    flow: int = 0
    full_rank: bool = False
    width: int = 0
    adversarial: bool = False

    @property
    def critic(self) -> bool:
        """Whether it has a critic's depth and dropout."""
        return self.adversarial or self.output == "score"


ENCODER = Net(("x", "epsilon"), "z")
"""z_φ(x, ε): can be sampled, not evaluated."""
DECODER = Net(("z", "xi"), "x")
"""x_θ(z, ξ)."""
GAUSSIAN_ENCODER = Net(("x",), "z", explicit=True)
"""q(z|x): mean and log-variance of each dimension."""
EXPLICIT_DECODER = Net(("z",), "x", explicit=True)
"""p(x|z): mean and log-variance of each dimension, or of binary data the logits."""
CRITIC, CRITIC_X, CRITIC_Z = (Net(inputs, "score") for inputs in (("x", "z"), ("x",), ("z",)))
"""f(x, z), f(x) and f(z)."""


@dataclass(frozen=True)
class Form:
    """What a cohort's systems have in common.

    Attributes:
        networks: name -> network, in the order in which they are initialised.
        players: who steps, in this order -> the networks it trains; critics first.
        noise: pieces of a batch's noise, in order.
        critic_steps: steps of the critic per iteration; of the others it is the configuration's `steps`.
        critic_every_step: whether the critic's steps come before each step of the others and not once an iteration.
        clip: what the critic's parameters are clipped to after each step of it, or None.
        twice: whether a loss has a gradient in it, so that the networks are differentiated twice.
        shared: whether networks read points of two domains, which then have one shape.
    """

    networks: Mapping[str, Net]
    players: Mapping[str, tuple[str, ...]]
    noise: tuple[str, ...] = NOISE
    critic_steps: int = 1
    critic_every_step: bool = False
    clip: float | None = None
    twice: bool = False
    shared: bool = False

    def bent(self, network: str, length: int) -> Form:
        """The form with so many planar layers on an explicit network."""
        return replace(
            self, networks={**self.networks, network: replace(self.networks[network], flow=length)}
        )

    @cached_property
    def conditional(self) -> bool:
        """Whether a network takes or gives labels."""
        return any("y" in (*net.inputs, net.output) for net in self.networks.values())

    @cached_property
    def key(self) -> str:
        """Equal for equal forms."""
        return repr((dict(self.networks), dict(self.players), self.noise, self.critic_steps, self.critic_every_step,
                     self.clip, self.twice, self.shared))  # fmt: skip

    def among(self, data: DataSet) -> Form:
        """The form on data that come with some of its networks: nobody trains those."""
        players = {
            player: tuple(n for n in own if n not in data.known) for player, own in self.players.items()
        }
        return replace(self, players=players) if data.known else self

    @property
    def codes(self) -> tuple[str, ...]:
        """Pieces of noise that codes of the data are sampled from, of which a bound takes all: epsilon, and epsilon_2 to epsilon_k."""
        return tuple(p for p in self.noise if quantity_of(p) == "epsilon" and p != "epsilon_again")

    def updates(self, steps: int) -> list[str]:
        """The players of an iteration's steps."""
        others = [p for p in self.players if p != "critic"]
        critics = ["critic"] * self.critic_steps if "critic" in self.players else []
        if self.critic_every_step:
            return (critics + others) * steps
        return critics + [p for p in others for _ in range(steps)]

    def dims(self, data: DataSet) -> dict[str, int]:
        """Piece of noise -> its dimension; without codes where these are points of a second domain.

        An implicit network takes noise of the data set's `noise_dim`; an explicit one as much as it samples.
        """
        explicit = {net.output for net in self.networks.values() if net.explicit}
        own = {
            "u": 1,
            "z": data.z_dim,
            "epsilon": data.z_dim if "z" in explicit else data.noise_dim,
            "xi": data.x_dim if "x" in explicit else data.noise_dim,
        }
        drawn = [piece for piece in self.noise if quantity_of(piece) != "z" or not data.other]
        return {piece: own[quantity_of(piece)] for piece in drawn}

    def quantities(self, data: DataSet) -> dict[str, int]:
        """Quantity that a network reads or gives -> its dimension."""
        return self.dims(data) | {
            "x": data.x_dim,
            "z": data.z_dim,
            "y": data.classes,
            "features": self.features,
            "score": 1,
        }

    @cached_property
    def features(self) -> int:
        """Number of features that its networks give and read; 0 without any. Raises ValueError where they give different numbers."""
        widths = {name: net.width for name, net in self.networks.items() if net.output == "features"}
        if len(set(widths.values())) > 1:
            raise ValueError(f"networks that give features must have one width, got {widths}")
        return next(iter(widths.values()), 0)

    def size(self, name: str, data: DataSet) -> tuple[int, int]:
        """Inputs and outputs of a network."""
        net, dims = self.networks[name], self.quantities(data)
        inputs = sum(dims[quantity_of(q)] for q in net.inputs)
        one = dims[net.output]
        if not net.explicit or net.output == "y" or (net.output == "x" and data.binary):
            return inputs, one
        from trainables.models import densities  # torch, which a form itself does not need

        return inputs, densities.size(one, net)


def quantity_of(piece: str) -> str:
    """What a further one of its kind is: epsilon_again is an ε."""
    return piece.split("_")[0]
