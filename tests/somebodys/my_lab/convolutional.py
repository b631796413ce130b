"""Convolutional encoder, decoder and critic for images, with batch normalisation."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from trainables.networks.base import Network, Ports
from trainables.parameters import structural


@final
class Convolutional(Network):
    """Two convolutions of stride 2 and a linear layer, or their mirror; every hidden layer is normalised by its batch.

    Source: Radford et al. 2016 (DCGAN), §3, at the size of 8×8 images.

    Attributes:
        channels: of the first convolution; the second has twice as many.
    """

    name = "convolutional"
    channels: int = structural(least=4, multiple=4)

    def build(self, ports: Ports) -> nn.Module:
        if ports.role == "decoder":
            return Decoder(ports, self.channels)
        return Encoder(ports, self.channels)


class Encoder(nn.Module):
    """Image, and what else it reads, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, channels: int) -> None:
        super().__init__()
        self.image = ports.inputs["x"] if len(ports.inputs["x"]) == 3 else (1, *ports.inputs["x"])
        depth, height, width = self.image
        self.convolutions = nn.Sequential(
            nn.Conv2d(depth, channels, 4, 2, 1), nn.BatchNorm2d(channels), nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 2 * channels, 4, 2, 1), nn.BatchNorm2d(2 * channels), nn.LeakyReLU(0.2),
        )  # fmt: skip
        features = 2 * channels * (height // 4) * (width // 4)
        self.place = list(ports.inputs).index("x")
        self.last = nn.Linear(features + ports.width - math.prod(self.image), ports.outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        others = [value for place, value in enumerate(inputs) if place != self.place]
        features = self.convolutions(inputs[self.place].unflatten(-1, self.image))
        return self.last(torch.cat([features.flatten(1), *others], -1))


class Decoder(nn.Module):
    """Codes and noise, [batch, d] each -> [batch, outputs]: as many channels as it gives numbers per pixel."""

    def __init__(self, ports: Ports, channels: int) -> None:
        super().__init__()
        *_, height, width = ports.output
        self.small = (2 * channels, height // 4, width // 4)
        self.first = nn.Sequential(
            nn.Linear(ports.width, math.prod(self.small)), nn.BatchNorm1d(math.prod(self.small)), nn.ReLU()
        )
        self.convolutions = nn.Sequential(
            nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.ConvTranspose2d(channels, ports.outputs // (height * width), 4, 2, 1),
        )  # fmt: skip

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        return self.convolutions(self.first(torch.cat(inputs, -1)).unflatten(-1, self.small)).flatten(1)
