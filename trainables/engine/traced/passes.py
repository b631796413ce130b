"""How often a system's losses go through its networks: counted by running them once on networks of one unit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainables import datasets, objectives
from trainables.configurations import VECTOR
from trainables.datasets import domains
from trainables.engine.assemble import ports_of
from trainables.models.batch import Batch
from trainables.networks.mlp import Perceptron

_SMALLEST = Perceptron(depth=1, width=1, critic_depth=1)


@functools.cache
def products(algorithm: str, data: str) -> Mapping[str, Mapping[str, float]]:
    """Player -> network -> products per weight and point of a batch in one step of the player.

    A pass forward is one; on the way back there is one for the error below, and one for the weights of a network that
    the player trains.
    """
    objective, dataset = objectives.find(algorithm), datasets.find(data)
    form = objective.form.among(dataset)
    draw = torch.Generator().manual_seed(0)
    dims, stored = form.dims(dataset), [domain.stored[:VECTOR] for domain in dataset.domains]
    numbers = torch.arange(min(map(len, stored))).expand(len(stored), -1)
    rows = domains.rows(dataset, stored, numbers)
    noise = torch.randn(len(rows), sum(dims.values()), generator=draw)
    counted: dict[str, Mapping[str, float]] = {}
    with torch.inference_mode(False), torch.enable_grad():
        for player, trained in form.players.items():
            networks = {
                n: _SMALLEST.build(ports_of(form, n, dataset))
                for n in form.networks
                if n not in dataset.known
            }
            count: dict[str, float] = {}
            called = {
                name: _counting(net, name in trained, functools.partial(_add, count, name, len(rows)))
                for name, net in networks.items()
            }
            batch = Batch({**called, **dataset.known}, form, dataset, rows, noise)
            loss: Tensor = getattr(objective, player)(batch, torch.tensor(1.0))
            if loss.requires_grad:
                loss.backward()
            counted[player] = count
    return counted


def _counting(net: nn.Module, trained: bool, add: Callable[[Tensor, int], None]) -> Callable[..., Tensor]:
    """The network as a function that counts its passes."""
    nn.init.normal_(net.get_parameter("flat"))
    net.requires_grad_(trained)

    def call(*inputs: Any) -> Tensor:
        output: Tensor = net(*inputs)
        add(output, 1)
        if output.requires_grad:
            output.register_hook(lambda error: add(error, 1 + trained))
        return output

    return call


def _add(count: dict[str, float], name: str, rows: int, values: Tensor, products: int) -> None:
    outputs: Sequence[int] = values.shape[1:]
    points = values.numel() / (outputs[-1] if outputs else 1)
    count[name] = count.get(name, 0.0) + products * points / rows
