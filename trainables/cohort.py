"""A cohort: runs of one structure trained as one array, each as if it were alone.

The networks and the objectives are written for one model; here they are stacked, differentiated,
vectorised over members and traced. Parameters of a player live in one flat array [M, P].
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from trainables import networks, objectives
from trainables.adam import Adam
from trainables.graph import Traced, trace
from trainables.joint import JointBatch
from trainables.objectives.base import PLAYERS
from trainables.runs import Run
from trainables.streams import stream

PADDING = 64
"""A member's parameters are padded to a multiple of this many floats: no member shares a vector register
or a cache line with its neighbour, so its bits do not depend on its place."""


class Cohort:
    """The state of M runs that agree in their structural hyper-parameters.

    Args:
        runs: its members; M = len(runs).
        device: where it trains.

    Attributes:
        parameters: player -> [M, P], float32.
        optimisers: player -> its Adam.

    Raises:
        ValueError: there is no run, or structures or budgets differ.
    """

    def __init__(self, runs: Sequence[Run], device: torch.device) -> None:
        if not runs:
            raise ValueError("a cohort must have at least one run, got none")
        for what, values in (
            ("structure", {r.configuration.structure for r in runs}),
            ("budget", {r.budget for r in runs}),
        ):
            if len(values) > 1:
                raise ValueError(f"the runs of a cohort must agree in their {what}, got {sorted(values)}")
        self.runs = tuple(runs)
        self.device = device
        self.configuration = runs[0].configuration
        self.networks = networks.build(self.configuration)
        self.objectives = tuple(objectives.find(name) for name in dict.fromkeys(r.algorithm for r in runs))
        self.lam = self._column([r.lam for r in runs])
        self.chosen = torch.tensor(
            [[o.name == r.algorithm for o in self.objectives] for r in runs], device=device
        )
        self.has_dropout = any(r.configuration.critic_dropout > 0 for r in runs)
        self.parameters = {player: self._initial(names) for player, names in PLAYERS.items()}
        self.leaves = {p: self._leaves(names, self.parameters[p]) for p, names in PLAYERS.items()}
        rate = self._column([r.configuration.learning_rate for r in runs])
        beta1 = self._column([r.configuration.beta1 for r in runs])
        self.optimisers = {player: Adam(flat, rate, beta1) for player, flat in self.parameters.items()}
        self._gradients: dict[str, Traced] = {}

    def __len__(self) -> int:
        return len(self.runs)

    def step(self, player: str, x: Tensor, noise: Tensor, dropout: Tensor | None) -> Tensor:
        """One step of `player`, in place; returns its loss before the step, [M].

        x: [M, batch, x_dim]; noise: [M, batch, sum of NOISE]; dropout: [M, 2, critic_depth, batch, width] or None.
        """
        arguments = (
            *self._all_leaves(),
            self.lam,
            self.chosen,
            x,
            noise,
            *([] if dropout is None else [dropout]),
        )
        if player not in self._gradients:
            self._gradients[player] = _traced(
                self._signature(player, dropout is not None), self, player, arguments
            )
        gradient, loss = self._gradients[player](*arguments)
        self.optimisers[player].step(gradient)
        return loss

    def evaluate(self, function: Callable[..., dict[str, Tensor]], *inputs: Tensor) -> dict[str, Tensor]:
        """`function(networks, *inputs)` for every member: inputs [M, …] -> values [M, …] by name."""

        def one(leaves: tuple[Tensor, ...], *inputs: Tensor) -> dict[str, Tensor]:
            return function(self._callables(leaves), *inputs)

        return vmap(one)(self._all_leaves(), *inputs)

    def _signature(self, player: str, dropout: bool) -> tuple[object, ...]:
        """What a traced gradient depends on: cohorts that agree in it share the trace."""
        c = self.configuration
        names = tuple(o.name for o in self.objectives)
        shapes = (c.depth, c.width, c.critic_depth, c.batch_size)
        return (player, dropout, names, len(self), str(self.device), shapes)

    def _gradient(self, player: str) -> Callable[..., tuple[Tensor, Tensor]]:
        """The function to trace: all arguments of `step` -> gradient [M, P] and loss [M]."""
        counts = {name: len(list(net.parameters())) for name, net in self.networks.items()}
        names = [name for trained in PLAYERS.values() for name in trained]
        places = {name: sum(counts[n] for n in names[:i]) for i, name in enumerate(names)}
        own = [i for name in PLAYERS[player] for i in range(places[name], places[name] + counts[name])]
        total = sum(counts.values())
        padding = self.parameters[player].shape[1] - sum(
            p.numel() for name in PLAYERS[player] for p in self.networks[name].parameters()
        )

        def one(*arguments: Tensor) -> tuple[Tensor, Tensor]:
            leaves, (lam, chosen, x, noise, *dropout) = arguments[:total], arguments[total:]

            def loss(trained: tuple[Tensor, ...]) -> Tensor:
                everyone = list(leaves)
                for i, leaf in zip(own, trained, strict=True):
                    everyone[i] = leaf
                batch = JointBatch(
                    self._callables(tuple(everyone)), x, noise, dropout[0] if dropout else None
                )
                return self._loss(player, batch, lam, chosen)

            gradients, value = grad_and_value(loss)(tuple(leaves[i] for i in own))
            flat = [g.reshape(-1) for g in gradients]
            return torch.cat([*flat, value.new_zeros(padding)]), value

        return vmap(one)

    def _loss(self, player: str, batch: JointBatch, lam: Tensor, chosen: Tensor) -> Tensor:
        """The loss of the member's own objective; those that share a method are computed once."""
        methods = {o.name: getattr(o, player) for o in self.objectives}
        if len({method.__func__ for method in methods.values()}) == 1:
            shared: Tensor = next(iter(methods.values()))(batch, lam)
            return shared
        losses = torch.stack([method(batch, lam) for method in methods.values()])
        return torch.where(chosen, losses, 0.0).sum()

    def _callables(self, leaves: tuple[Tensor, ...]) -> dict[str, Callable[..., Tensor]]:
        """The networks as functions with one member's parameters, in the order of `_all_leaves`."""
        rest = iter(leaves)
        bound: dict[str, Callable[..., Tensor]] = {}
        for trained in PLAYERS.values():
            for name in trained:
                net = self.networks[name]
                values = {key: next(rest) for key, _ in net.named_parameters()}
                bound[name] = functools.partial(_call, net, values)
        return bound

    def _all_leaves(self) -> tuple[Tensor, ...]:
        return tuple(leaf for leaves in self.leaves.values() for leaf in leaves)

    def _initial(self, names: Sequence[str]) -> Tensor:
        """Initial parameters of the named networks, [M, P], each member and network from its own stream."""
        rows = []
        for run in self.runs:
            for name in names:
                self.networks[name].xavier_(stream(run.stream_key, "initial weights", name))
            rows.append(
                torch.cat([p.detach().flatten() for n in names for p in self.networks[n].parameters()])
            )
        size = rows[0].numel()
        flat = torch.zeros(len(rows), -(-size // PADDING) * PADDING)
        flat[:, :size] = torch.stack(rows)
        return flat.to(self.device)

    def _leaves(self, names: Sequence[str], flat: Tensor) -> list[Tensor]:
        """Views of `flat` shaped as the parameters of the named networks, [M, …] each."""
        leaves, start = [], 0
        for parameter in (p for name in names for p in self.networks[name].parameters()):
            leaves.append(flat[:, start : start + parameter.numel()].view(len(self), *parameter.shape))
            start += parameter.numel()
        return leaves

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.float64)).float().to(self.device)


def _call(net: torch.nn.Module, values: dict[str, Tensor], *inputs: Tensor) -> Tensor:
    result: Tensor = functional_call(net, values, inputs)
    return result


_traces: dict[tuple[object, ...], Traced] = {}


def _traced(
    signature: tuple[object, ...], cohort: Cohort, player: str, arguments: tuple[Tensor, ...]
) -> Traced:
    """The traced gradient of a signature, kept for the life of the process."""
    if signature not in _traces:
        with torch.inference_mode(False):
            _traces[signature] = trace(cohort._gradient(player), arguments)
    return _traces[signature]
