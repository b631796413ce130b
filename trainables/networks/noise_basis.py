"""AVB's implicit encoder for MNIST, whose moments can be estimated: a linear combination of learned noise vectors."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import final

import torch
from torch import Tensor, nn

from trainables.networks.base import Ports
from trainables.networks.dcgan import Features
from trainables.networks.images import Inputs, joined
from trainables.networks.layers import Convolutions, Layers, xavier
from trainables.parameters import structural

LAYERS = 3
"""Hidden layers of a noise vector's network, as in the authors' code."""


@final
class NoiseBasis(Convolutions):
    """z_k = Σ_i v_ik(ε_i) a_ik(x) of m noise vectors, i = 1 … m: an encoder of one image and of noise.

    Source: Mescheder et al. 2017, "Adversarial variational Bayes", appendix, equation 7.10 and figure 8.

        v_i(ε_i)   a small fully-connected network f_i of the i-th part of the noise
        a_i(x)     a convolutional network g of the image

    The paper's others on MNIST: decoder="dcgan", and an adversary of 4 fully-connected layers of 1,024 units,
    critic="mlp", critic_depth=4, width=1024.

    Attributes:
        basis: m, a divisor of the noise's dimensions; 32 in the authors' code, each of 64 dimensions.
        basis_width: units of each of the three hidden layers of an f_i.

    Departures from the paper:
        1. It does not say what g is, but that its networks are based on DCGAN's: g has the convolutions of `Dcgan`,
           with as many scales as the image's size allows, and a linear layer to m · z_dim numbers.
        2. The authors' code adds an offset z_0(x) and makes a positive; equation 7.10 does neither, nor is it done
           here.
        3. A label joins the features of the image.
    """

    name = "noise_basis"
    basis: int = structural(default=8, least=1, roles=("encoder",))
    basis_width: int = structural(default=128, least=1, roles=("encoder",))

    @property
    def units_per_layer(self) -> int:
        """Channels of the second convolution."""
        return 2 * self.channels

    def of_images(self, ports: Ports) -> nn.Module:
        """Raises ValueError where it is no encoder's, noise is not there or not of m parts, or images do not fit."""
        if ports.role != "encoder":
            raise ValueError(f"noise_basis must be an encoder, got a {ports.role}; take the network dcgan")
        if "epsilon" not in ports.inputs:
            raise ValueError(
                f"noise_basis must be an implicit encoder, which reads epsilon, got {', '.join(ports.inputs)}; take an "
                "algorithm with one, such as avb, or the network dcgan"
            )
        (noise,) = ports.inputs["epsilon"]
        if noise % self.basis:
            raise ValueError(
                f"basis must divide the {noise} dimensions of the noise epsilon, got {self.basis}; take {noise}"
            )
        return Encoder(ports, self, self.layers(ports, "elu"))


class Encoder(nn.Module):
    """An image, noise and perhaps a label, [batch, d] each -> z, [batch, z_dim]."""

    def __init__(self, ports: Ports, network: NoiseBasis, layers: Layers) -> None:
        super().__init__()
        self.place = list(ports.inputs).index("epsilon")
        seen = {quantity: shape for quantity, shape in ports.inputs.items() if quantity != "epsilon"}
        self.inputs = Inputs(replace(ports, inputs=seen))
        assert self.inputs.image, "an encoder's inputs have an image"
        self.features = Features(self.inputs.image, network.channels, layers)
        count = network.basis * ports.outputs
        self.linear = layers.plain(nn.Linear(self.features.count + self.inputs.others, count))
        self.split = nn.Unflatten(-1, (network.basis, ports.outputs))
        (noise,) = ports.inputs["epsilon"]
        self.basis = Basis(
            network.basis, noise // network.basis, network.basis_width, ports.outputs, layers.act()
        )

    def a(self, *inputs: Tensor) -> Tensor:
        """Coefficients [batch, m, z_dim] of an image and perhaps a label, [batch, d] each."""
        image, others = self.inputs(inputs)
        return self.split(self.linear(joined([self.features(image), others])))

    def v(self, epsilon: Tensor) -> Tensor:
        """Noise vectors [batch, m, z_dim] of noise [batch, noise_dim]."""
        return self.basis(epsilon)

    def moments(self, epsilon: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Equations 7.11 and 7.12: mean and variance of z given an image and perhaps a label, [batch, z_dim] each.

        E and Var of v_i(ε_i) are those over the noise given, [n, noise_dim].
        """
        a, v = self.a(*inputs), self.v(epsilon)
        mean = v.mean(0)
        return (a * mean).sum(1), (a.square() * (v - mean).square().mean(0)).sum(1)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Equation 7.10: [batch, z_dim]."""
        seen = [value for place, value in enumerate(inputs) if place != self.place]
        return (self.v(inputs[self.place]) * self.a(*seen)).sum(1)


class Basis(nn.Module):
    """m networks of one shape, each of its own part of the input and with weights of its own.

    Args:
        count: m.
        inputs, width, outputs: dimensions of one network's input, hidden layers and output.
        act: activation of hidden layers.
    """

    def __init__(self, count: int, inputs: int, width: int, outputs: int, act: nn.Module) -> None:
        super().__init__()
        self.shape, self.act = (count, inputs), act
        pairs = list(itertools.pairwise([inputs, *[width] * LAYERS, outputs]))
        self.weights = nn.ParameterList(torch.empty(count, *pair) for pair in pairs)
        self.biases = nn.ParameterList(torch.zeros(count, 1, after) for _, after in pairs)
        for weights in self.weights:
            for weight in weights.data:
                xavier(weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, m, outputs] from [batch, m · inputs]."""
        h = inputs.unflatten(-1, self.shape).transpose(0, 1)
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            h = self.act(torch.baddbmm(bias, h, weight))
        weight, bias = last
        return torch.baddbmm(bias, h, weight).transpose(0, 1)
