"""Residual convolutional networks, into each scale of which noise and codes are added."""

from __future__ import annotations

import itertools
from typing import final

import torch
from torch import Tensor, nn

from trainables.networks.base import Ports
from trainables.networks.dcgan import larger, sizes, smaller
from trainables.networks.images import Inputs, Pixels
from trainables.networks.layers import Codes, Convolutions, Layers, Rest
from trainables.parameters import structural


@final
class ResNet(Convolutions):
    """Convolutions of stride 2 as DCGAN's and residual blocks at each scale, where noise, codes and labels are added.

    Source: Mescheder et al. 2017, "Adversarial variational Bayes", appendix, experiment on CelebA; blocks as in He et
    al. 2015, "Deep residual learning for image recognition", figure 2.

        encoder, critic    at each scale: convolution + P e, normalised and rectified; blocks. Last a linear layer
        decoder            a linear layer to the smallest image; at each scale: blocks; deconvolution + P e, normalised
                           and rectified

    e is noise, codes and labels in one vector, P a learned matrix of each scale.

    Attributes:
        blocks: of encoder and decoder at each scale.
        critic_blocks: of the critic, which has none in the paper.

    Departures from the paper:
        1. P e has a number for each channel, the same at all places; in the authors' code one for each place as well.
        2. It is added to what the stride-2 convolutions give, as in the authors' code, not within blocks.
        3. Kernels of stride 2 and sizes of images are those of `Dcgan`; ReLU as in He et al., leaky ReLU in the critic
           as in Radford et al.; weights begin as Glorot & Bengio's.
        4. log p(z), which the paper adds to the adversary, is not a network's: an objective may add it.
        5. A critic that reads no image has one hidden layer of `mlp_width` units.
    """

    name = "resnet"
    blocks: int = structural(default=3, least=0, roles=("encoder", "decoder"))
    critic_blocks: int = structural(default=0, least=0, roles=("critic",))

    @property
    def units_per_layer(self) -> int:
        """Channels of the second scale."""
        return 2 * self.channels

    def of_images(self, ports: Ports) -> nn.Module:
        """Raises ValueError where the images do not fit."""
        layers = self.layers(ports, "leaky_relu" if ports.role == "critic" else "relu")
        if ports.role == "decoder":
            return Decoder(ports, self.channels, self.blocks, layers)
        if ports.role == "critic" and not Inputs(ports).image:
            return Codes(layers.mlp(ports.width, self.mlp_width, ports.outputs))
        blocks = self.critic_blocks if ports.role == "critic" else self.blocks
        return Reader(ports, self.channels, blocks, layers)


class Added(nn.Module):
    """A convolution, plus P e at all places; normalised and rectified.

    Args:
        convolution: halves or doubles the image.
        others: dimensions of e, 0 where there is none.
    """

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, others: int, layers: Layers) -> None:
        super().__init__()
        channels = convolution.out_channels
        self.convolution, *norm = layers.normalised(convolution)
        self.after = nn.Sequential(*norm, layers.act())
        self.projection = layers.plain(nn.Linear(others, channels, bias=False)) if others else None

    def forward(self, h: Tensor, e: Tensor | None) -> Tensor:
        """The image after it, from one [batch, channels, height, width] and e [batch, others]."""
        h = self.convolution(h)
        if self.projection is not None:
            h = h + self.projection(e).unflatten(-1, (-1, 1, 1))
        return self.after(h)


class Block(nn.Module):
    """h + F(h), rectified, of F two 3 × 3 convolutions with one activation between them."""

    def __init__(self, channels: int, layers: Layers) -> None:
        super().__init__()
        one, two = (nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(2))
        self.residual = nn.Sequential(*layers.hidden(one), *layers.normalised(two))
        self.act = layers.act()

    def forward(self, h: Tensor) -> Tensor:
        """[batch, channels, height, width]."""
        return self.act(h + self.residual(h))


def stacked(channels: int, blocks: int, layers: Layers) -> nn.Sequential:
    """So many blocks, one after another."""
    return nn.Sequential(*(Block(channels, layers) for _ in range(blocks)))


class Reader(nn.Module):
    """An encoder or a critic: images, codes, noise and labels, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, channels: int, blocks: int, layers: Layers) -> None:
        super().__init__()
        self.inputs = Inputs(ports)
        assert self.inputs.image, "these inputs have an image"
        halved = sizes(self.inputs.image)
        widths = [self.inputs.image[0], *(channels * 2**i for i in range(len(halved) - 1))]
        pairs = list(itertools.pairwise(widths))
        self.halvings = nn.ModuleList(Added(smaller(*pair), self.inputs.others, layers) for pair in pairs)
        self.blocks = nn.ModuleList(stacked(after, blocks, layers) for _, after in pairs)
        count = widths[-1] * halved[-1][0] * halved[-1][1]
        self.last = nn.Sequential(nn.Flatten(), layers.plain(nn.Linear(count, ports.outputs)))

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        h, e = self.inputs(inputs)
        for halving, blocks in zip(self.halvings, self.blocks, strict=True):
            h = blocks(halving(h, e))
        return self.last(h)


class Decoder(nn.Module):
    """Codes, noise and labels, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, channels: int, blocks: int, layers: Layers) -> None:
        super().__init__()
        pixels = Pixels(ports)
        *before, smallest = sizes(pixels.image)
        widths = [channels * 2**i for i in reversed(range(len(before)))]
        self.first = nn.Sequential(*layers.spread(ports.width, (widths[0], *smallest)))
        self.blocks = nn.ModuleList(stacked(width, blocks, layers) for width in widths)
        pairs = zip(itertools.pairwise(widths), reversed(before[1:]), strict=True)
        self.doublings = nn.ModuleList(
            Added(larger(*pair, size), ports.width, layers) for pair, size in pairs
        )
        self.pixels = layers.plain(larger(widths[-1], pixels.channels, before[0]))
        self.rest = Rest(ports, pixels.rest, layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        code = torch.cat(inputs, -1)
        first, *blocks = self.blocks
        h = first(self.first(code))
        for doubling, more in zip(self.doublings, blocks, strict=True):
            h = more(doubling(h, code))
        return self.rest(self.pixels(h).flatten(1), code)
