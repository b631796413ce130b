"""Parts of the right form with one thing wrong each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables.networks.base import Network, Ports
from trainables.optimisers.base import Optimiser
from trainables.parameters import fusible, structural


class Linear(Network):
    """A linear map, from which the others differ."""

    name = "linear"

    def build(self, ports: Ports) -> nn.Module:
        return Concatenated(nn.Linear(ports.width, ports.outputs))


class Unbounded(Linear):
    """Its hyper-parameter has no bounds."""

    units: int = structural(default=8)


class Untyped(Linear):
    """Its hyper-parameter is a list."""

    units: list[int] = structural(default=[8], least=1)


class OutOfItsBounds(Linear):
    """Its default is none that it allows."""

    units: int = structural(default=0, least=1)


class Taken(Linear):
    """Declares what is the training loop's."""

    batch_size: int = structural(least=1)


class TwiceAsWide(Linear):
    """Gives twice as many numbers as are asked for."""

    def build(self, ports: Ports) -> nn.Module:
        return Concatenated(nn.Linear(ports.width, 2 * ports.outputs))


class Dropping(Linear):
    """Draws random numbers in `forward`."""

    def build(self, ports: Ports) -> nn.Module:
        return Concatenated(nn.Sequential(nn.Dropout(0.5), nn.Linear(ports.width, ports.outputs)))


class Unbuilt(Linear):
    """Cannot be built."""

    def build(self, ports: Ports) -> nn.Module:
        return Concatenated(nn.Linear(ports.width, ports.inputs["pixels"][0]))


class Forgetful(Optimiser):
    """Forgets the state that it declares."""

    name = "forgetful"
    learning_rate: float = fusible(above=0.0)
    state = ("velocity",)

    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return parameters - self.learning_rate * gradient, {}


class Failing(Optimiser):
    """Cannot compute a step."""

    name = "failing"
    learning_rate: float = fusible(above=0.0)

    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return parameters - self.learning_rate * gradient @ gradient.unsqueeze(0), {}


class Concatenated(nn.Module):
    """A module of its inputs side by side."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Tensor) -> Tensor:
        """[batch, outputs]."""
        return self.net(torch.cat(inputs, -1))
