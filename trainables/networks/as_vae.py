"""The convolutional networks of AS-VAE, for MNIST, CIFAR-10 and ImageNet.

Source: Pu et al. 2017, "Adversarial symmetric variational autoencoder", appendix B, figures 5 to 8.
"""

from __future__ import annotations

import itertools
from typing import final

import torch
from torch import Tensor, nn

from trainables.networks.base import Ports
from trainables.networks.images import Inputs, Pixels, halves, joined
from trainables.networks.layers import Convolutions, Layers, Rest
from trainables.parameters import structural


@final
class AsVae(Convolutions):
    """A stride-2 convolution at each scale, with or without further ones, and multi-layer perceptrons.

        figure 5, MNIST 28 × 28              the defaults: 3 × 3 convolutions of 32 and 64 channels
        figure 6, CIFAR-10 32 × 32           channels=16, scales=3, convolutions=3, kernel=5, critic_kernel=5
        figures 7 and 8, ImageNet 64 × 64    channels=32, scales=4, convolutions=3, kernel=5, critic_kernel=5

    encoder   convolutions, flattened, MLP
    decoder   MLP to the smallest image, deconvolutions
    critic    convolutions and global average pooling of x; an MLP of z; both concatenated, MLP

    Attributes:
        scales: halvings of the image.
        convolutions: of encoder and decoder at each scale, the first of stride 2; where more than 1, the smallest scale
            of the encoder has another one.
        kernel: height and width of the encoder's first convolution; others of encoder and decoder are 3 × 3. Odd.
        critic_kernel: of all the critic's convolutions. Odd.
        pixel_channels: of the decoder's `scales` − 1 convolutions to the means, and as many to the log-variances, where
            `convolutions` are more than 1.

    Departures from the paper:
        1. It gives no widths of MLPs: each has one hidden layer of `mlp_width` units; that of z has `mlp_width`
           features.
        2. Figure 5 shows a decoder's '3 × 3 conv. 32 stride 2', which must be a deconvolution to get from 7 × 7 to 28 ×
           28. Deconvolutions of stride 1 are convolutions.
        3. Figures 6 and 7 show more deconvolutions of 64 channels than the scales have, side by side: they are read as
           a column to the means and one to the log-variances, of 2 each for CIFAR-10 and 3 for ImageNet.
        4. The figures end before the pixels: a 3 × 3 convolution without normalisation gives them.
        5. What the decoder's MLP gives is normalised and rectified as the layers after it.
        6. Noise of an implicit encoder and labels join the features at its MLP, those of a critic join z, those of a
           decoder z.
        7. Numbers of a decoder's normalising flow are further channels; those that are no pixel's are linear in what it
           reads.
        8. Odd sizes are halved upwards, and a deconvolution gives the size that its mirror image read.
        9. The paper's dropout (§5), of which it gives neither place nor probability, is left out.
    """

    name = "as_vae"
    scales: int = structural(default=2, least=1)
    convolutions: int = structural(default=1, least=1, roles=("encoder", "decoder"))
    kernel: int = structural(default=3, least=1, roles=("encoder",))
    critic_kernel: int = structural(default=3, least=1, roles=("critic",))
    pixel_channels: int = structural(default=64, least=1, roles=("decoder",))

    @property
    def units_per_layer(self) -> int:
        """Channels of the smallest scale."""
        return self.channels * 2 ** (self.scales - 1)

    def of_images(self, ports: Ports) -> nn.Module:
        """Raises ValueError where a kernel is even, or the images do not fit."""
        layers = self.layers(ports, "relu")
        return {"encoder": Encoder, "decoder": Decoder, "critic": Critic}[ports.role](ports, self, layers)

    def widths(self) -> list[int]:
        """Channels of each scale, largest image first."""
        return [self.channels * 2**i for i in range(self.scales)]


def odd(kernel: int, name: str) -> int:
    """The kernel. Raises ValueError where it is even."""
    if kernel % 2 == 0:
        raise ValueError(
            f"{name} must be odd, so that a convolution has a middle, got {kernel}; take {kernel + 1}"
        )
    return kernel


def convolved(layers: Layers, inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A hidden convolution that keeps the size of an image, or halves it upwards."""
    return layers.hidden(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2))


class Encoder(nn.Module):
    """An image, and noise or a label, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, network: AsVae, layers: Layers) -> None:
        super().__init__()
        self.inputs = Inputs(ports)
        assert self.inputs.image, "an encoder's inputs have an image"
        before, kernel, found = self.inputs.image[0], odd(network.kernel, "kernel"), []
        for channels in network.widths():
            found.append(convolved(layers, before, channels, kernel, 2))
            found += [convolved(layers, channels, channels, 3) for _ in range(network.convolutions - 1)]
            before, kernel = channels, 3
        if network.convolutions > 1:
            found.append(convolved(layers, before, before, 3))
        height, width = halves(self.inputs.image, network.scales)[-1]
        self.convolutions = nn.Sequential(*found, nn.Flatten())
        self.head = layers.mlp(before * height * width + self.inputs.others, network.mlp_width, ports.outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        image, others = self.inputs(inputs)
        return self.head(joined([self.convolutions(image), others]))


class Critic(nn.Module):
    """Images, codes and labels, [batch, d] each -> [batch, 1]."""

    def __init__(self, ports: Ports, network: AsVae, layers: Layers) -> None:
        super().__init__()
        self.inputs, features = Inputs(ports), 0
        kernel = odd(network.critic_kernel, "critic_kernel")
        if self.inputs.image:
            halves(self.inputs.image, network.scales)
            widths = [self.inputs.image[0], *network.widths()]
            found = [convolved(layers, *pair, kernel, 2) for pair in itertools.pairwise(widths)]
            self.convolutions = nn.Sequential(*found, nn.AdaptiveAvgPool2d(1), nn.Flatten())
            features += widths[-1]
        if self.inputs.others:
            self.codes = nn.Sequential(
                *layers.mlp(self.inputs.others, network.mlp_width, network.mlp_width), layers.act()
            )
            features += network.mlp_width
        self.head = layers.mlp(features, network.mlp_width, ports.outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, 1]."""
        image, others = self.inputs(inputs)
        seen = None if image is None else self.convolutions(image)
        return self.head(joined([seen, None if others is None else self.codes(others)]))


class Decoder(nn.Module):
    """Codes, noise and labels, [batch, d] each -> [batch, outputs]."""

    def __init__(self, ports: Ports, network: AsVae, layers: Layers) -> None:
        super().__init__()
        pixels = Pixels(ports)
        *larger, smallest = halves(pixels.image, network.scales)
        before, found = network.widths()[-1], []
        for (height, width), channels in zip(reversed(larger), reversed(network.widths()), strict=True):
            grown = (1 - height % 2, 1 - width % 2)
            found.append(layers.hidden(nn.ConvTranspose2d(before, channels, 3, 2, 1, grown)))
            more = network.convolutions - 1 if channels > network.channels else 0
            found += [convolved(layers, channels, channels, 3) for _ in range(more)]
            before = channels
        self.hidden = nn.Sequential(
            *layers.rectified(nn.Linear(ports.width, network.mlp_width)),
            *layers.spread(network.mlp_width, (network.widths()[-1], *smallest)),
            *found,
        )
        one, every = pixels.image[0], pixels.channels
        apart = [one, every - one] if network.convolutions > 1 and every > one else [every]
        self.pixels = nn.ModuleList(self._pixels(before, channels, network, layers) for channels in apart)
        self.rest = Rest(ports, pixels.rest, layers)

    @staticmethod
    def _pixels(before: int, channels: int, network: AsVae, layers: Layers) -> nn.Sequential:
        """From the largest hidden image to some of what is given for each pixel."""
        widths = [before, *[network.pixel_channels] * (network.scales - 1 if network.convolutions > 1 else 0)]
        hidden = [convolved(layers, *pair, 3) for pair in itertools.pairwise(widths)]
        return nn.Sequential(*hidden, layers.plain(nn.Conv2d(widths[-1], channels, 3, 1, 1)), nn.Flatten())

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        code = torch.cat(inputs, -1)
        hidden = self.hidden(code)
        return self.rest(torch.cat([branch(hidden) for branch in self.pixels], -1), code)
