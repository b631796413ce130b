"""Networks as a cohort trains them: functions of one member's parameters, one flat array, and of its buffers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainables.configurations import VECTOR, Configuration
from trainables.datasets.base import DataSet
from trainables.engine.native import kernels
from trainables.models.spec import Form, quantity_of
from trainables.networks.base import Network, Ports
from trainables.networks.mlp import MLP, PADDING
from trainables.randomness.streams import stream

Buffers = Mapping[str, Tensor]
"""Name -> tensor: what a network keeps from one batch to the next, such as running statistics."""

Parameters = Mapping[str, Tensor]
"""Name in its module -> parameter."""


class Assembled(ABC):
    """A network of one model.

    Attributes:
        ports: what it connects.
        size: of its flat parameters, P.
        fused: whether it is vectorised over members; others train one member after another.
    """

    ports: Ports
    size: int
    fused = False

    @property
    def knows_moments(self) -> bool:
        """Whether it gives mean and variance of its output (`trainables.networks.base`)."""
        return False

    @abstractmethod
    def initial(self, stream_key: str, name: str) -> tuple[Tensor, dict[str, Tensor]]:
        """A run's parameters [P] and buffers before training."""

    @abstractmethod
    def parameters(self, flat: Tensor) -> Parameters:
        """One member's flat parameters [P] by name, views: once for all calls of a step, so that gradients meet before they are joined."""

    @abstractmethod
    def call(
        self, parameters: Parameters, buffers: Buffers, inputs: Sequence[Tensor | None], training: bool
    ) -> tuple[Tensor, Buffers]:
        """Output [batch, outputs], of a critic [batch], and the buffers after it; nothing in place."""

    def moments(
        self,
        parameters: Parameters,
        buffers: Buffers,
        epsilon: Tensor,
        inputs: Sequence[Tensor],
        training: bool,
    ) -> tuple[Tensor, Tensor]:
        """Mean and variance of its output over noise like epsilon [n, d], [batch, outputs] each, where it knows them."""
        raise NotImplementedError


@final
class FusedMLP(Assembled):
    """An MLP: its parameters are one flat array, and it is written for vectorising."""

    fused = True

    def __init__(self, net: MLP, ports: Ports) -> None:
        self.net, self.ports, self.size = net, ports, len(net.flat)

    @property
    def shape(self) -> kernels.Shape:
        """As the kernels have it."""
        return self.net.shape

    @property
    def native(self) -> bool:
        """Whether a kernel computes it."""
        return self.net.kernel is not None

    def initial(self, stream_key: str, name: str) -> tuple[Tensor, dict[str, Tensor]]:
        self.net.xavier_(stream(stream_key, "initial weights", name))
        return self.net.flat.detach().clone(), {}

    def parameters(self, flat: Tensor) -> Parameters:
        return {"flat": flat}

    def call(
        self, parameters: Parameters, buffers: Buffers, inputs: Sequence[Tensor | None], training: bool
    ) -> tuple[Tensor, Buffers]:
        output: Tensor = functional_call(self.net, dict(parameters), tuple(inputs))
        return output, buffers


@final
class AnyModule(Assembled):
    """Any `nn.Module`: its parameters are laid one after another, padded as an MLP's are; bf16 is `torch.autocast`'s."""

    native = False

    def __init__(self, network: Network, ports: Ports, precision: str = "float32") -> None:
        self.network, self.ports, self.precision = network, ports, precision
        self.net = module_of(network, ports)
        self.places = {name: value.shape for name, value in self.net.named_parameters()}
        self.lengths = [math.prod(shape) for shape in self.places.values()]
        self.size = -(-sum(self.lengths) // PADDING) * PADDING

    def initial(self, stream_key: str, name: str) -> tuple[Tensor, dict[str, Tensor]]:
        net = module_of(
            self.network, self.ports, int(stream(stream_key, "initial weights", name).integers(2**63))
        )
        parts = [value.detach().reshape(-1) for _, value in net.named_parameters()]
        flat = torch.cat([*parts, torch.zeros(self.size - sum(map(len, parts)))])
        return flat, {name: value.detach().clone() for name, value in net.named_buffers()}

    def parameters(self, flat: Tensor) -> Parameters:
        *pieces, _ = flat.split([*self.lengths, self.size - sum(self.lengths)])
        return {
            name: piece.view(shape) for (name, shape), piece in zip(self.places.items(), pieces, strict=True)
        }

    def call(
        self, parameters: Parameters, buffers: Buffers, inputs: Sequence[Tensor | None], training: bool
    ) -> tuple[Tensor, Buffers]:
        state = {name: value.clone() if training else value for name, value in buffers.items()}
        used = {**parameters, **state}
        seen = tuple(value for value in inputs if value is not None and value.is_floating_point())
        with torch.autocast(seen[0].device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            output: Tensor = functional_call(self.net.train(training), used, seen)
        output = output.float()
        after = {name: used[name] for name in state} if training else buffers
        return output.squeeze(-1) if self.ports.role == "critic" and output.dim() == 2 else output, after

    @property
    def knows_moments(self) -> bool:
        """Whether its module has `moments`."""
        return hasattr(self.net, "moments")

    def moments(
        self,
        parameters: Parameters,
        buffers: Buffers,
        epsilon: Tensor,
        inputs: Sequence[Tensor],
        training: bool,
    ) -> tuple[Tensor, Tensor]:
        """Its module's, [batch, outputs] each; buffers stay as they are."""
        used = {**parameters, **{name: value.clone() for name, value in buffers.items()}}
        called = {f"net.{name}": value for name, value in used.items()}
        with torch.autocast(epsilon.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            mean, variance = functional_call(_Moments(self.net).train(training), called, (epsilon, *inputs))
        return mean.float(), variance.float()


class _Moments(nn.Module):
    """A module whose `forward` is another's `moments`: `functional_call` calls nothing else."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.net.moments(*inputs)  # type: ignore[operator]
        return found


def build(
    configuration: Configuration, form: Form, data: DataSet, native: bool = False, precision: str = "float32"
) -> dict[str, FusedMLP | AnyModule]:
    """The networks of one configuration of a system by name; those that the data come with are left out.

    Args:
        configuration: names them and has their hyper-parameters.
        form: what they connect.
        data: of which shapes.
        native: take kernels for CPUs, where there are any for a shape; they are differentiable once and float32.
        precision: of the products.

    Raises:
        ValueError: a network has not the precision, or does not fit (`check`).
    """
    built: dict[str, FusedMLP | AnyModule] = {}
    for name in form.networks:
        if name in data.known:
            continue
        ports = ports_of(form, name, data)
        network: Network = configuration.part(ports.role)
        net = module_of(network, ports)
        if isinstance(net, MLP):
            net.precision = precision
            if native and not form.twice and precision == "float32" and kernels.usable(net.shape):
                net.kernel = kernels.mlp
            built[name] = FusedMLP(net, ports)
            continue
        check(network, ports)
        built[name] = AnyModule(network, ports, precision)
    return built


def ports_of(form: Form, name: str, data: DataSet) -> Ports:
    """Ports of a network of a form on a data set; images keep their shape there."""
    net, dims = form.networks[name], form.quantities(data)
    shaped: dict[str, tuple[int, ...]] = {quantity: (size,) for quantity, size in dims.items()}
    if math.prod(data.shape) == data.x_dim:
        shaped["x"] = data.shape
    role = "critic" if net.critic else "decoder" if net.output == "x" else "encoder"
    inputs = {quantity: shaped[quantity_of(quantity)] for quantity in net.inputs}
    return Ports(role, inputs, shaped[net.output], form.size(name, data)[1])


def module_of(network: Network, ports: Ports, seed: int = 0) -> nn.Module:
    """The module, initialised from a seed. Raises ValueError where it cannot be built."""
    try:
        with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = network.build(ports)
    except Exception as error:  # whatever somebody else's constructor raises
        raise ValueError(f"{_called(network, ports)} must be built, but raised {_reason(error)}") from error
    if not isinstance(net, nn.Module):
        raise ValueError(f"{_called(network, ports)} must build an nn.Module, got {net!r}")
    return net


def check(network: Network, ports: Ports) -> None:
    """Raises ValueError where a network does not give what its ports say, or draws random numbers of its own."""
    key = (type(network), *vars(network).items(), repr(ports))
    if key in _checked:
        return
    draw = torch.Generator().manual_seed(0)
    inputs = [torch.rand(VECTOR, math.prod(shape), generator=draw) for shape in ports.inputs.values()]
    outputs = []
    for seed in range(2):
        net = module_of(network, ports)  # anew: a pass may change what it keeps
        try:
            with torch.inference_mode(False), torch.no_grad(), torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                outputs.append(net.train()(*inputs))
        except Exception as error:  # whatever somebody else's forward raises
            raise ValueError(
                f"{_called(network, ports)} must take inputs {_shapes(inputs)}, but raised {_reason(error)}"
            ) from error
    given = tuple(getattr(outputs[0], "shape", ()))
    if given != (VECTOR, ports.outputs) and not (ports.role == "critic" and given == (VECTOR,)):
        raise ValueError(
            f"{_called(network, ports)} must give [{VECTOR}, {ports.outputs}] for {_shapes(inputs)}, got {list(given)}"
        )
    if not torch.equal(*outputs):
        raise ValueError(f"{_called(network, ports)} must draw no random numbers, as dropout does: a run's draws depend on its seed alone; "
                         "remove it")  # fmt: skip
    _checked.add(key)


def _called(network: Network, ports: Ports) -> str:
    return f"the {ports.role} {network.name}"


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _shapes(inputs: Sequence[Tensor]) -> str:
    return " and ".join(str(list(value.shape)) for value in inputs)


_checked: set[tuple[object, ...]] = set()
"""Networks that fit, with their values and ports."""
