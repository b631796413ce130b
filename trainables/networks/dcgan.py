"""The convolutional networks of DCGAN, for images of any size from 5 pixels."""

from __future__ import annotations

import itertools
from typing import final

import torch
from torch import Tensor, nn

from trainables.networks.base import Ports
from trainables.networks.images import Inputs, Pixels, Shape, joined
from trainables.networks.layers import Convolutions, Layers, Rest

SMALL = 4
"""Height or width, whichever is smaller, at which an image is not halved again."""


@final
class Dcgan(Convolutions):
    """4 × 4 convolutions of stride 2, each with twice the channels of the last, down to 4 × 4 pixels; and their mirror.

    Source: Radford et al. 2016, "Unsupervised representation learning with deep convolutional generative adversarial
    networks", §3 and figure 1; channels=128 and 64 × 64 pixels there. For AVB's five layers on MNIST see `NoiseBasis`.

        encoder, critic    convolutions with leaky ReLU, of which the first is not normalised; a linear layer
        decoder            a linear layer to the smallest image; deconvolutions with ReLU, the last not normalised

    Weights begin as N(0, 0.02²).

    Departures from the paper:
        1. Kernels are 4 × 4, as in the authors' code; the paper has 5 × 5, which stride 2 covers unevenly.
        2. The decoder's tanh is left to the model, which squashes what implicit decoders give into the range of the
           data.
        3. Noise, codes and labels that are read beside an image join its features before one hidden layer of
           `mlp_width` units, without which a critic of (x, z) would be a sum f(x) + g(z). The paper's critic reads x
           alone.
        4. Sizes other than 64 are halved until a side has 4 pixels or fewer: 28 to 14, 7 and 3. An odd side is halved
           downwards, and a deconvolution gives the size that its mirror image read.
        5. Numbers of a decoder that are no pixel's, as of a normalising flow, are linear in what it reads.
    """

    name = "dcgan"

    @property
    def units_per_layer(self) -> int:
        """Channels of the second convolution."""
        return 2 * self.channels

    def of_images(self, ports: Ports) -> nn.Module:
        """Raises ValueError where the images do not fit."""
        if ports.role == "decoder":
            return Decoder(ports, self, self.layers(ports, "relu", narrow))
        return Reader(ports, self, self.layers(ports, "leaky_relu", narrow))


def narrow(weight: Tensor) -> Tensor:
    """Draws a weight from N(0, 0.02²), in place. Source: Radford et al. 2016, §4."""
    return nn.init.normal_(weight, std=0.02)


def sizes(image: Shape) -> list[tuple[int, int]]:
    """Height and width of an image before its halvings, then after each. Raises ValueError where it is too small."""
    found = [image[1:]]
    while min(found[-1]) > SMALL:
        found.append((found[-1][0] // 2, found[-1][1] // 2))
    if len(found) == 1:
        raise ValueError(
            f"an image must be more than {SMALL} pixels high and wide to be halved, got {image[1]} x {image[2]}; take "
            "the network mlp"
        )
    return found


def smaller(inputs: int, outputs: int) -> nn.Conv2d:
    """A convolution that halves an image."""
    return nn.Conv2d(inputs, outputs, 4, 2, 1)


def larger(inputs: int, outputs: int, size: tuple[int, int]) -> nn.ConvTranspose2d:
    """A deconvolution that doubles an image, to this height and width."""
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, (size[0] % 2, size[1] % 2))


class Features(nn.Sequential):
    """An image -> its features, [batch, count].

    Attributes:
        count: channels × height × width of the smallest image.
    """

    def __init__(self, image: Shape, channels: int, layers: Layers) -> None:
        halved = sizes(image)
        widths = [image[0], *(channels * 2**i for i in range(len(halved) - 1))]
        pairs = list(itertools.pairwise(widths))
        found = [layers.rectified(smaller(*pairs[0]))]
        found += [layers.hidden(smaller(*pair)) for pair in pairs[1:]]
        super().__init__(*found, nn.Flatten())
        self.count = widths[-1] * halved[-1][0] * halved[-1][1]


class Reader(nn.Module):
    """An encoder or a critic: images, codes, noise and labels, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, network: Dcgan, layers: Layers) -> None:
        super().__init__()
        self.inputs, count = Inputs(ports), 0
        if self.inputs.image:
            self.features = Features(self.inputs.image, network.channels, layers)
            count = self.features.count
        self.head: nn.Module = (
            layers.mlp(count + self.inputs.others, network.mlp_width, ports.outputs)
            if self.inputs.others
            else layers.plain(nn.Linear(count, ports.outputs))
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        image, others = self.inputs(inputs)
        return self.head(joined([None if image is None else self.features(image), others]))


class Decoder(nn.Module):
    """Codes, noise and labels, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, network: Dcgan, layers: Layers) -> None:
        super().__init__()
        pixels = Pixels(ports)
        *before, smallest = sizes(pixels.image)
        widths = [network.channels * 2**i for i in reversed(range(len(before)))]
        found = [
            layers.hidden(larger(*pair, size))
            for pair, size in zip(itertools.pairwise(widths), reversed(before[1:]), strict=True)
        ]
        self.pixels = nn.Sequential(
            *layers.spread(ports.width, (widths[0], *smallest)),
            *found,
            layers.plain(larger(widths[-1], pixels.channels, before[0])),
            nn.Flatten(),
        )
        self.rest = Rest(ports, pixels.rest, layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        code = torch.cat(inputs, -1)
        return self.rest(self.pixels(code), code)
