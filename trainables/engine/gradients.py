"""Losses and gradients of a cohort's players: written for one model; here differentiated, vectorised over members and traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, fx
from torch.func import grad_and_value, vmap

from trainables.engine.assemble import Assembled, Buffers
from trainables.engine.native import build, convolutions, normalisation, products
from trainables.engine.traced.graph import Traced, trace
from trainables.models.batch import Batch
from trainables.objectives.base import Objective

if TYPE_CHECKING:
    from trainables.engine.cohort import Cohort


POINTS = 256
"""Points that a network which is not vectorised over members evaluates at once."""


class Called:
    """A network with one member's parameters as a function, which keeps the buffers after its last call.

    Args:
        net: the network.
        flat: parameters [P].
        buffers: before the first call.
        training: whether it normalises by the batch, and its buffers follow, or by its buffers.
    """

    def __init__(self, net: Assembled, flat: Tensor, buffers: Buffers, training: bool) -> None:
        self.net, self.parameters = net, net.parameters(flat)
        self.buffers, self.training = buffers, training

    def __call__(self, *inputs: Tensor | None) -> Tensor:
        if not self.training and not self.net.fused:
            return self._in_parts(inputs)
        output, self.buffers = self.net.call(self.parameters, self.buffers, inputs, self.training)
        return output

    @property
    def moments(self) -> Callable[..., tuple[Tensor, Tensor]] | None:
        """Noise [n, d] and the other inputs -> mean and variance of its output; None of a network that does not know them."""
        return self._moments if self.net.knows_moments else None

    def _moments(self, epsilon: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        points = len(inputs[0]) if self.training else POINTS
        parts = zip(*(value.split(points) for value in inputs), strict=True)
        found = [
            self.net.moments(self.parameters, self.buffers, epsilon, part, self.training) for part in parts
        ]
        mean, variance = (
            torch.cat(values) if len(found) > 1 else values[0] for values in zip(*found, strict=True)
        )
        return mean, variance

    def _in_parts(self, inputs: Sequence[Tensor | None]) -> Tensor:
        """Of a part of the points after the other: the hidden units of all of them would take too much memory."""
        seen = [value for value in inputs if value is not None and value.is_floating_point()]
        parts = zip(*(value.split(POINTS) for value in seen), strict=True)
        outputs = [self.net.call(self.parameters, self.buffers, part, training=False)[0] for part in parts]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def gradients(
    cohort: Cohort, player: str, x: Tensor, noise: Tensor, dropout: Tensor | None
) -> tuple[Tensor, ...]:
    """Gradient [M, P] of each network that the player trains, the buffers of these after the step, and its loss [M], by a traced graph.

    Args:
        cohort: of which all members step at once.
        player: who steps.
        x: [M, batch, x_dim].
        noise: [M, batch, noise's dimensions].
        dropout: int64 [M, 2, 5] (`blocks.Block`) or None.
    """
    further = () if dropout is None else (dropout,)
    buffers = [value for named in cohort.buffers.values() for value in named.values()]
    arguments = (*cohort.parameters.values(), *buffers, cohort.lam, x, noise, *further, cohort.chosen)
    names = tuple(o.name for o in cohort.objectives)
    signature = (player, dropout is None, names, len(cohort), *cohort.signature)
    if signature not in _traces:
        with torch.inference_mode(False):
            _traces[signature] = trace(vmap(gradient_of_one(cohort, player)), arguments)
    return _traces[signature](*arguments)


def member_gradients(
    cohort: Cohort, m: int, player: str, x: Tensor, noise: Tensor, dropout: Tensor | None
) -> tuple[Tensor, ...]:
    """The same of member m alone, without its dimension in arguments and results: [P] each, then the buffers of these networks
    after the step, then the loss. A member's bits depend on nobody else.
    """
    objective = cohort.own_objectives[m]
    buffers = (value[m] for named in cohort.buffers.values() for value in named.values())
    further = () if dropout is None else (dropout,)
    arguments = (
        *(flat[m] for flat in cohort.parameters.values()),
        *buffers,
        cohort.lam[m],
        x,
        noise,
        *further,
    )
    signature = (player, dropout is None, objective.name, "alone", *cohort.signature)
    if signature not in _traces:
        with torch.inference_mode(False):
            _traces[signature] = _of_one(cohort, gradient_of_one(cohort, player, objective), arguments)
    return _traces[signature](*arguments)


def _of_one(cohort: Cohort, function: Traced, arguments: Sequence[Tensor]) -> Traced:
    """Traced, with the kernels' convolutions, products and batch normalisation where they may be used."""
    if not cohort.kernels or build.missing():
        return trace(function, arguments)

    def rewrite(graph: fx.Graph) -> None:
        normalisation.rewrite(graph)
        products.rewrite(graph)

    try:
        return trace(function, arguments, {**convolutions.table(), **products.table()}, rewrite)
    except (RuntimeError, ValueError):  # such as of a network that views images as torch lays them
        return trace(function, arguments, {**convolutions.table(last=False), **products.table()}, rewrite)


def gradient_of_one(
    cohort: Cohort, player: str, objective: Objective | None = None
) -> Callable[..., tuple[Tensor, ...]]:
    """For ONE model: parameters of each network, buffers of each, λ, x, noise, dropout (or not) and, unless it is of one
    `objective`, the choice among the cohort's -> gradient [P] of each network that the player trains, their buffers, and loss.
    """
    own = [list(cohort.networks).index(name) for name in cohort.form.players[player]]
    total = len(cohort.networks)
    kept = [list(named) for named in cohort.buffers.values()]

    def one(*arguments: Tensor) -> tuple[Tensor, ...]:
        flats, rest = arguments[:total], list(arguments[total:])
        buffers = [{name: rest.pop(0) for name in names} for names in kept]
        lam, x, noise, *rest = rest
        chosen = None if objective else rest.pop()
        dropout = rest[0] if rest else None

        def loss(trained: tuple[Tensor, ...]) -> tuple[Tensor, list[Tensor]]:
            everyone = list(flats)
            for i, flat in zip(own, trained, strict=True):
                everyone[i] = flat
            called = {
                name: Called(net, flat, named, training=True)
                for (name, net), flat, named in zip(cohort.networks.items(), everyone, buffers, strict=True)
            }
            batch = Batch({**called, **cohort.dataset.known}, cohort.form, cohort.dataset, x, noise, dropout)
            if objective:
                value = objective.loss(player, batch, lam)
            else:
                assert chosen is not None
                value = _chosen_loss(cohort, player, batch, lam, chosen)
            functions = list(called.values())
            return value, [after for i in own for after in functions[i].buffers.values()]

        found, (value, after) = grad_and_value(loss, has_aux=True)(tuple(flats[i] for i in own))
        return (*found, *after, value)

    return one


def _chosen_loss(cohort: Cohort, player: str, batch: Batch, lam: Tensor, chosen: Tensor) -> Tensor:
    """The loss of the member's own objective; one that all have in common is computed once."""
    if common(cohort, player):
        return cohort.objectives[0].loss(player, batch, lam)
    losses = torch.stack([o.loss(player, batch, lam) for o in cohort.objectives])
    return torch.where(chosen, losses, torch.zeros_like(losses)).sum()


def common(cohort: Cohort, method: str) -> bool:
    """Whether a method is one and the same of all the cohort's objectives."""
    first, *others = (objective.reads(method) for objective in cohort.objectives)
    return all(other == first for other in others)


_traces: dict[tuple[object, ...], Traced] = {}
"""Traced gradients by what they depend on, kept for the life of the process."""
