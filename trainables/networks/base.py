"""Networks as a user writes them: any `nn.Module` for ONE model, from declared hyper-parameters and the shapes it connects."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from trainables.parameters import Part

POINTS = 32
"""Points of the batch by which arithmetic is counted."""


@dataclass(frozen=True)
class Ports:
    """Quantities that a network reads and gives.

    Attributes:
        role: 'encoder', 'decoder' or 'critic'; a classifier is an encoder.
        inputs: quantity -> shape of one point of it, in the order in which `forward` takes them, each flattened: [batch, d].
        output: shape of one point of what it gives, (1,) of a critic's score.
        outputs: numbers that it gives for each point: more than `output` holds where they are parameters of a distribution,
            such as all means and then all log-variances.
    """

    role: str
    inputs: Mapping[str, tuple[int, ...]]
    output: tuple[int, ...]
    outputs: int

    @property
    def width(self) -> int:
        """Numbers that it reads for each point."""
        return sum(map(math.prod, self.inputs.values()))


class Network(Part, ABC):
    """Declares a network's hyper-parameters and builds it. Vectorising over a cohort is done outside it.

        class Convolutional(Network):
            name = "convolutional"
            channels: int = structural(least=4)

            def build(self, ports: Ports) -> nn.Module: ...

    The module's parameters and buffers are a member's state. Its constructor initialises it, from torch's generator, which is
    seeded by the run. Modules that draw random numbers in `forward`, such as `nn.Dropout`, are refused: a run's draws are
    functions of its seed alone.

    The module of an implicit encoder that knows mean and variance of what it gives, of x, has a method `moments(epsilon, *inputs)`
    -> two [batch, outputs]: of noise [n, d] of any n, which stands for the noise's distribution, and of its other inputs in their
    order. Adaptive contrast (`avb_ac`) takes them in place of its own estimate.
    """

    @property
    def dropout(self) -> float:
        """Probability of dropping a hidden unit of a critic, whose draws the engine hands to it."""
        return 0.0

    @property
    def units_per_layer(self) -> int:
        """Units of a hidden layer, by which the speed of its arithmetic is looked up; of a convolution those of a wide one."""
        return 128

    @property
    def fused(self) -> bool:
        """Whether what it builds is an MLP, which is vectorised over the members of a cohort."""
        return False

    @abstractmethod
    def build(self, ports: Ports) -> nn.Module:
        """A module that maps its inputs, each [batch, d], to [batch, ports.outputs]."""

    def products(self, ports: Ports) -> tuple[float, float]:
        """Multiplications per point of one pass, in first and last layers and in those between: what plans are cut by."""
        with FlopCounterMode(display=False) as counter:
            self._pass(ports)
        return 0.0, counter.get_total_flops() / 2 / POINTS

    def units(self, ports: Ports) -> float:
        """Numbers per point that a pass leaves for the way back."""
        counted: list[int] = []
        self._pass(ports, counted)
        return sum(counted) / POINTS

    def parameters(self, ports: Ports) -> int:
        """Number of its parameters."""
        with torch.inference_mode(False), torch.device("meta"):
            return sum(value.numel() for value in self.build(ports).parameters())

    def _pass(self, ports: Ports, counted: list[int] | None = None) -> None:
        """A pass without numbers; the sizes of its modules' outputs are added to `counted`."""
        with torch.inference_mode(False), torch.no_grad(), torch.device("meta"):
            net = self.build(ports)
            for module in itertools.islice(net.modules(), 1, None):
                if counted is not None and not list(module.children()):
                    module.register_forward_hook(lambda _, __, output: counted.append(output.numel()))
            net(*(torch.empty(POINTS, math.prod(shape)) for shape in ports.inputs.values()))
