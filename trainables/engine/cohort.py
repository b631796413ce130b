"""A cohort: runs of one structure trained as one array, each as if it were alone.

The networks and the objectives are written for one model; here they are stacked and vectorised over members. Parameters of a
network live in one flat array [M, P].
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from trainables import objectives
from trainables.engine import assemble, gradients, optimisation
from trainables.engine.assemble import Buffers
from trainables.engine.blocks import Block
from trainables.engine.native import block as native_block
from trainables.engine.native import steps
from trainables.engine.traced import block as torch_block
from trainables.engine.traced.cuda_graphs import Replayed
from trainables.networks import precision
from trainables.runs import Run


class Cohort:
    """The state of M runs that agree in their structural hyper-parameters.

    Args:
        runs: its members; M = len(runs).
        device: where it trains.
        native: use the native kernels, where there are any for the device, the networks and the precision.

    Attributes:
        parameters: network -> [M, P], float32.
        buffers: network -> name -> [M, …]: what networks keep from batch to batch, such as running statistics.
        optimisers: network -> its optimiser.
        form: of its systems.
        dataset: what it is trained on.
        networks: by name, as they train.
        exact: the same in float32, as they are evaluated.
        kernels: whether the native kernels may be used.
        native_steps: whether the optimiser's steps of one member after another are the kernels'.
        fused: whether all networks are written for vectorising over members, and are evaluated so.
        vectorised: whether a step is of all members at once; otherwise one member steps after another. Of networks that are not
            fused it is what is faster on a GPU (`traced.choice`), and never so on a CPU, where bits would depend on the cohort.
        data: of each domain the training points as they are stored (`DataSet.stored`), on the device.
        replayed: players of an iteration's steps -> the iteration, where it trains on torch's operations.

    Raises:
        ValueError: there is no run, structures, systems' forms, data, budgets or precisions differ, the device
            lacks the precision, or a network does not fit.
    """

    def __init__(self, runs: Sequence[Run], device: torch.device, native: bool = True) -> None:
        if not runs:
            raise ValueError("a cohort must have at least one run, got none")
        for what, values in (
            ("structure", {r.configuration.structure for r in runs}),
            ("budget", {r.budget for r in runs}),
            ("precision", {r.precision for r in runs}),
            ("data", {r.data for r in runs}),
        ):
            if len(values) > 1:
                raise ValueError(
                    f"the runs of a cohort must agree in their {what}, got {sorted(values, key=repr)}"
                )
        self.objectives = tuple(objectives.find(name) for name in dict.fromkeys(r.algorithm for r in runs))
        self.own_objectives = tuple(objectives.find(r.algorithm) for r in runs)
        self.form = self.objectives[0].form
        if len({o.kind for o in self.objectives}) > 1:
            names = ", ".join(o.name for o in self.objectives)
            raise ValueError(f"the systems of a cohort must have the same networks and players, got {names}")
        for o in self.objectives:
            objectives.check(o.name, runs[0].data)
        self.runs = tuple(runs)
        self.dataset = runs[0].dataset
        self.form = self.form.among(self.dataset)
        self.device = device
        self.configuration = runs[0].configuration
        self.precision = runs[0].precision
        precision.check(self.precision, str(device))
        parts = (self.configuration, self.form, self.dataset)
        self.kernels = native and device.type == "cpu"
        self.exact = assemble.build(*parts, native=self.kernels)
        self.networks = (
            self.exact if self.precision == "float32" else assemble.build(*parts, precision=self.precision)
        )
        self.fused = self.vectorised = all(net.fused for net in self.networks.values())
        self.data = tuple(domain.stored.to(device) for domain in self.dataset.domains)
        self.lam = self._column([r.lam for r in runs])
        self.chosen = torch.tensor(
            [[o.name == r.algorithm for o in self.objectives] for r in runs], device=device
        )
        self.has_dropout = any(r.configuration.part("critic").dropout > 0 for r in runs)
        self.signature = (
            str(device),
            self.kernels,
            self.precision,
            self.configuration.structure,
            self.dataset.name,
        )
        self.parameters: dict[str, Tensor] = {}
        self.buffers: dict[str, dict[str, Tensor]] = {}
        for name in self.networks:
            self.parameters[name], self.buffers[name] = self._initial(name)
        optimiser = self.configuration.part("optimiser")
        columns = {
            name: self._column([r.configuration.values[name] for r in runs])
            for name in optimisation.fusible_names(optimiser)
        }
        self.optimisers = {
            name: optimisation.made(optimiser, flat, columns) for name, flat in self.parameters.items()
        }
        self.native_steps = self.kernels and not self.vectorised and steps.available(optimiser)
        self.native = all(net.native for net in self.networks.values()) and native_block.available(self)
        self.replayed: dict[tuple[str, ...], Replayed] = {}

    def __len__(self) -> int:
        return len(self.runs)

    def train(self, block: Block, schedule: Sequence[tuple[str, int]]) -> Tensor:
        """Take the scheduled steps, in place; returns each one's loss before it, [steps, M].

        Args:
            block: the random inputs, on the CPU.
            schedule: of each step the player and the block's iteration, whose data it sees.
        """
        plans = {p: self.optimisers[names[0]].scalars(sum(q == p for q, _ in schedule))
                 for p, names in self.form.players.items()}  # fmt: skip
        counters = {p: itertools.count() for p in self.form.players}
        scalars = np.stack([plans[p][next(counters[p])] for p, _ in schedule])
        train = native_block.train if self.native else torch_block.train
        return train(self, block, schedule, scalars)

    def evaluate(self, function: Callable[..., dict[str, Tensor]], *inputs: Tensor) -> dict[str, Tensor]:
        """`function(networks, *inputs)` for every member: inputs [M, …] -> values [M, …] by name.

        One member is evaluated beside its double: libraries treat a batch of one as none, with other bits.
        """
        if not self.fused:
            found = [function(self.member(m), *(values[m] for values in inputs)) for m in range(len(self))]
            return {name: torch.stack([values[name] for values in found]) for name in found[0]}

        def one(flats: tuple[Tensor, ...], *inputs: Tensor) -> dict[str, Tensor]:
            return function(self._functions(flats, [{} for _ in flats]), *inputs)

        flats = tuple(self.parameters.values())
        if len(self) == 1:
            flats, inputs = (tuple(torch.cat([a, a]) for a in arrays) for arrays in (flats, inputs))
        return {name: values[: len(self)] for name, values in vmap(one)(flats, *inputs).items()}

    def member(self, m: int) -> dict[str, Callable[..., Tensor]]:
        """The networks of one member as functions of its own, with its parameters and buffers as they are now."""
        buffers = [
            {name: value[m].clone() for name, value in named.items()} for named in self.buffers.values()
        ]
        return self._functions(tuple(flat[m].clone() for flat in self.parameters.values()), buffers)

    def common(self, method: str) -> bool:
        """Whether a method is one and the same of all the cohort's objectives."""
        return gradients.common(self, method)

    def _functions(
        self, flats: Sequence[Tensor], buffers: Sequence[Buffers]
    ) -> dict[str, Callable[..., Tensor]]:
        """The networks as functions of one member as they are evaluated, trained ones in their order."""
        trained: Mapping[str, Callable[..., Tensor]] = {
            name: gradients.Called(net, flat, named, training=False)
            for (name, net), flat, named in zip(self.exact.items(), flats, buffers, strict=True)
        }
        return {**trained, **self.dataset.known}

    def _initial(self, name: str) -> tuple[Tensor, dict[str, Tensor]]:
        """Initial parameters [M, P] and buffers of a network, each member's from its own stream."""
        rows, kept = zip(
            *(self.networks[name].initial(run.stream_key, name) for run in self.runs), strict=True
        )
        buffers = {n: torch.stack([one[n] for one in kept]).to(self.device) for n in kept[0]}
        return torch.stack(rows).to(self.device), buffers

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.float64)).float().to(self.device)
