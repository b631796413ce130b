"""A cohort: runs of one structure trained as one array, each as if it were alone.

The networks and the objectives are written for one model; here they are stacked, differentiated,
vectorised over members and traced. Parameters of a network live in one flat array [M, P].
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from trainables import objectives
from trainables.engine.blocks import Block
from trainables.engine.native import block as native_block
from trainables.engine.traced import block as torch_block
from trainables.engine.traced.cuda_graphs import Replayed
from trainables.engine.traced.graph import Traced, trace
from trainables.models.batch import Batch
from trainables.networks import mlp, precision
from trainables.objectives.base import Objective
from trainables.optimisers.adam import Adam
from trainables.randomness.streams import stream
from trainables.runs import Run


class Cohort:
    """The state of M runs that agree in their structural hyper-parameters.

    Args:
        runs: its members; M = len(runs).
        device: where it trains.
        native: use the native kernels, where there are any for the device, the networks and the precision.

    Attributes:
        parameters: network -> [M, P], float32.
        optimisers: network -> its Adam.
        form: of its systems.
        dataset: what it is trained on.
        networks: by name, as they train.
        exact: the same in float32, as they are evaluated.
        data: the training points, on the device.
        replayed: players of an iteration's steps -> the iteration, where it trains on torch's operations.

    Raises:
        ValueError: there is no run, structures, systems' forms, data, budgets or precisions differ, or the device
            lacks the precision.
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
                raise ValueError(f"the runs of a cohort must agree in their {what}, got {sorted(values)}")
        self.objectives = tuple(objectives.find(name) for name in dict.fromkeys(r.algorithm for r in runs))
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
        self.exact = mlp.build(*parts, native and device.type == "cpu")
        self.networks = (
            self.exact if self.precision == "float32" else mlp.build(*parts, precision=self.precision)
        )
        self.data = self.dataset.train.to(device)
        self.lam = self._column([r.lam for r in runs])
        self.chosen = torch.tensor(
            [[o.name == r.algorithm for o in self.objectives] for r in runs], device=device
        )
        self.has_dropout = any(r.configuration.critic_dropout > 0 for r in runs)
        self.parameters = {name: self._initial(name) for name in self.networks}
        rate = self._column([r.configuration.learning_rate for r in runs])
        beta1 = self._column([r.configuration.beta1 for r in runs])
        decay = self._column([r.configuration.weight_decay for r in runs])
        self.optimisers = {name: Adam(flat, rate, beta1, decay) for name, flat in self.parameters.items()}
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
        plans = {p: self.optimisers[names[0]].schedule(sum(q == p for q, _ in schedule))
                 for p, names in self.form.players.items()}  # fmt: skip
        counters = {p: itertools.count() for p in self.form.players}
        places = [(p, next(counters[p])) for p, _ in schedule]
        rates = np.stack([plans[p][0][n] for p, n in places])
        corrections = np.stack([plans[p][1][n] for p, n in places])
        if self.native:
            return native_block.train(self, block, schedule, rates, corrections.tolist())
        return torch_block.train(self, block, schedule, rates, corrections)

    def evaluate(self, function: Callable[..., dict[str, Tensor]], *inputs: Tensor) -> dict[str, Tensor]:
        """`function(networks, *inputs)` for every member: inputs [M, …] -> values [M, …] by name.

        One member is evaluated beside its double: libraries treat a batch of one as none, with other bits.
        """

        def one(flats: tuple[Tensor, ...], *inputs: Tensor) -> dict[str, Tensor]:
            return function(self._functions(self.exact, flats), *inputs)

        flats = tuple(self.parameters.values())
        if len(self) == 1:
            flats, inputs = (tuple(torch.cat([a, a]) for a in arrays) for arrays in (flats, inputs))
        return {name: values[: len(self)] for name, values in vmap(one)(flats, *inputs).items()}

    def member(self, m: int) -> dict[str, Callable[..., Tensor]]:
        """The networks of one member as functions of its own, with its parameters as they are now."""
        return self._functions(self.exact, tuple(flat[m].clone() for flat in self.parameters.values()))

    def gradients(self, player: str, x: Tensor, noise: Tensor, dropout: Tensor | None) -> tuple[Tensor, ...]:
        """Gradient [M, P] of each network that the player trains, and its loss [M], by a traced graph.

        x: [M, batch, x_dim]; noise: [M, batch, noise's dimensions]; dropout: int64 [M, 2, 5] (`draws.Block`) or None.
        """
        arguments = (
            *self.parameters.values(),
            self.lam,
            x,
            noise,
            *([] if dropout is None else [dropout]),
            self.chosen,
        )
        c, names = self.configuration, tuple(o.name for o in self.objectives)
        shapes = (c.depth, c.width, c.critic_depth, c.batch_size, self.dataset.name)
        signature = (player, dropout is None, names, len(self), str(self.device), self.precision, shapes)
        if signature not in _traces:
            with torch.inference_mode(False):
                _traces[signature] = trace(vmap(self.gradient_of_one(player)), arguments)
        return _traces[signature](*arguments)

    def gradient_of_one(
        self, player: str, objective: Objective | None = None
    ) -> Callable[..., tuple[Tensor, ...]]:
        """For ONE model: parameters of each network, λ, x, noise, dropout (or not) and, unless it is of one
        `objective`, the choice among the cohort's -> gradient [P] of each network that the player trains, and loss.
        """
        own = [list(self.networks).index(name) for name in self.form.players[player]]
        total = len(self.networks)

        def one(*arguments: Tensor) -> tuple[Tensor, ...]:
            flats, (lam, x, noise, *rest) = arguments[:total], arguments[total:]
            chosen = None if objective else rest.pop()
            dropout = rest[0] if rest else None

            def loss(trained: tuple[Tensor, ...]) -> Tensor:
                everyone = list(flats)
                for i, flat in zip(own, trained, strict=True):
                    everyone[i] = flat
                functions = self._functions(self.networks, tuple(everyone))
                batch = Batch(functions, self.form, self.dataset, x, noise, dropout)
                if objective:
                    return objective.loss(player, batch, lam)
                assert chosen is not None
                return self._chosen_loss(player, batch, lam, chosen)

            gradients, value = grad_and_value(loss)(tuple(flats[i] for i in own))
            return (*gradients, value)

        return one

    def _chosen_loss(self, player: str, batch: Batch, lam: Tensor, chosen: Tensor) -> Tensor:
        """The loss of the member's own objective; one that all have in common is computed once."""
        if self.common(player):
            return self.objectives[0].loss(player, batch, lam)
        losses = torch.stack([o.loss(player, batch, lam) for o in self.objectives])
        return torch.where(chosen, losses, torch.zeros_like(losses)).sum()

    def common(self, method: str) -> bool:
        """Whether a method is one and the same of all the cohort's objectives."""
        first, *others = (objective.reads(method) for objective in self.objectives)
        return all(other == first for other in others)

    def _functions(
        self, nets: Mapping[str, torch.nn.Module], flats: tuple[Tensor, ...]
    ) -> dict[str, Callable[..., Tensor]]:
        """The networks as functions, trained ones with one member's parameters, in their order."""
        trained = {
            name: functools.partial(_call, net, flat)
            for (name, net), flat in zip(nets.items(), flats, strict=True)
        }
        return {**trained, **self.dataset.known}

    def _initial(self, name: str) -> Tensor:
        """Initial parameters of a network, [M, P], each member's from its own stream."""
        net, rows = self.networks[name], []
        for run in self.runs:
            net.xavier_(stream(run.stream_key, "initial weights", name))
            rows.append(net.flat.detach().clone())
        return torch.stack(rows).to(self.device)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.float64)).float().to(self.device)


def _call(net: torch.nn.Module, flat: Tensor, *inputs: Tensor) -> Tensor:
    result: Tensor = functional_call(net, {"flat": flat}, inputs)
    return result


_traces: dict[tuple[object, ...], Traced] = {}
"""Traced gradients by what they depend on, kept for the life of the process."""
