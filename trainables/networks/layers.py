"""Layers of convolutional networks: how a linear map or a convolution begins, is normalised and is rectified."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import starmap

import torch
from torch import Tensor, nn

from trainables.networks.base import Network, Ports
from trainables.networks.images import is_image, joined
from trainables.networks.spectral import Map, Spectral
from trainables.parameters import structural

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU, "leaky_relu": lambda: nn.LeakyReLU(0.2), "elu": nn.ELU, "silu": nn.SiLU, "tanh": nn.Tanh,
}  # fmt: skip
NORMALISATIONS = ("batch", "layer", "spectral", "none")


def xavier(weight: Tensor) -> Tensor:
    """Draws a weight uniformly, in place. Source: Glorot & Bengio 2010, eq. 16."""
    return nn.init.xavier_uniform_(weight)


@dataclass(frozen=True)
class Layers:
    """Makes the layers of one network. Biases begin at 0.

    Attributes:
        normalisation: of hidden layers by their batch (Ioffe & Szegedy 2015), of one point's hidden layer over channels
            and places (Ba et al. 2016), or of every weight by its largest singular value (Miyato et al. 2018).
        activation: name of the function after a hidden layer.
        initialise: draws a weight in place.
    """

    normalisation: str
    activation: str
    initialise: Callable[[Tensor], Tensor] = xavier

    def plain(self, layer: Map) -> nn.Module:
        """The layer alone, such as the last of a network; its weight divided by its norm where that is asked for."""
        self.initialise(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        return Spectral(layer) if self.normalisation == "spectral" else layer

    def rectified(self, layer: Map) -> nn.Sequential:
        """The layer and its activation."""
        return nn.Sequential(self.plain(layer), self.act())

    def hidden(self, layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
        """The convolution, its normalisation, which has the bias, and its activation."""
        return nn.Sequential(*self.normalised(layer), self.act())

    def normalised(self, layer: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
        """The convolution and its normalisation, which has the bias."""
        norm = self.norm(layer.out_channels)
        if norm:
            layer.register_parameter("bias", None)
        return [self.plain(layer), *norm]

    def norm(self, channels: int) -> list[nn.Module]:
        """Normalisation of so many channels, or nothing where hidden layers have none."""
        if self.normalisation == "batch":
            return [nn.BatchNorm2d(channels)]
        return [nn.GroupNorm(1, channels)] if self.normalisation == "layer" else []

    def act(self) -> nn.Module:
        """The activation."""
        return ACTIVATIONS[self.activation]()

    def mlp(self, inputs: int, width: int, outputs: int) -> nn.Sequential:
        """One hidden layer of `width` units, which is not normalised."""
        return nn.Sequential(*self.rectified(nn.Linear(inputs, width)), self.plain(nn.Linear(width, outputs)))

    def spread(self, inputs: int, small: tuple[int, int, int]) -> list[nn.Module]:
        """A linear layer to a small image (channels, height, width), normalised and rectified as hidden ones are."""
        channels, height, width = small
        linear = self.plain(nn.Linear(inputs, channels * height * width))
        return [linear, nn.Unflatten(-1, small), *self.norm(channels), self.act()]


class Rest(nn.Module):
    """Numbers that a decoder gives beyond those of pixels, such as the biases of a flow: linear in what it reads.

    Args:
        ports: of the decoder.
        count: how many there are; of none nothing is added.
    """

    def __init__(self, ports: Ports, count: int, layers: Layers) -> None:
        super().__init__()
        self.linear = layers.plain(nn.Linear(ports.width, count)) if count else None

    def forward(self, pixels: Tensor, code: Tensor) -> Tensor:
        """[batch, outputs] from numbers of pixels [batch, outputs − count] and all that is read, [batch, d]."""
        return pixels if self.linear is None else torch.cat([pixels, self.linear(code)], -1)


class Codes(nn.Module):
    """A perceptron of what is no image, [batch, d] each -> [batch, outputs]."""

    def __init__(self, mlp: nn.Module) -> None:
        super().__init__()
        self.mlp = mlp

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        return self.mlp(joined(inputs))


class Convolutions(Network):
    """The hyper-parameters that convolutional networks share.

    Attributes:
        channels: of the convolution nearest to the image; each scale further from it has twice as many.
        mlp_width: units of the hidden layer of a multi-layer perceptron beside the convolutions, such as that which
            joins an image's features and a code.
        normalisation: of encoder and decoder, as of `Layers`.
        critic_normalisation: of the critic. A gradient penalty wants one that is not by the batch (Gulrajani et al.
            2017, §4).
        activation: of hidden layers; 'paper' is what the network's source has.
    """

    channels: int = structural(default=32, least=1)
    mlp_width: int = structural(default=256, least=1)
    normalisation: str = structural(default="batch", among=NORMALISATIONS, roles=("encoder", "decoder"))
    critic_normalisation: str = structural(default="batch", among=NORMALISATIONS, roles=("critic",))
    activation: str = structural(default="paper", among=("paper", *ACTIVATIONS))

    def build(self, ports: Ports) -> nn.Module:
        """`of_images`; but where an encoder reads no image, as a classifier of features, one hidden layer of `mlp_width` units."""
        if ports.role == "encoder" and not any(starmap(is_image, ports.inputs.items())):
            return Codes(self.layers(ports, "relu").mlp(ports.width, self.mlp_width, ports.outputs))
        return self.of_images(ports)

    @abstractmethod
    def of_images(self, ports: Ports) -> nn.Module:
        """A module of images, as `build` says."""

    def layers(self, ports: Ports, paper: str, initialise: Callable[[Tensor], Tensor] = xavier) -> Layers:
        """Layers of a role; `paper` is the activation of the network's source."""
        normalisation = self.critic_normalisation if ports.role == "critic" else self.normalisation
        return Layers(normalisation, paper if self.activation == "paper" else self.activation, initialise)
