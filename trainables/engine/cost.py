"""What a run costs: arithmetic counted from its shapes, time from the speed of a core."""

from __future__ import annotations

import functools
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainables import datasets, metrics, objectives
from trainables.iterations import BLOCK, evaluated_every
from trainables.runs import Run

if TYPE_CHECKING:
    from trainables.networks.base import Network, Ports


@dataclass(frozen=True)
class Speed:
    """The speed of one core while all of them train.

    Attributes:
        widths: units per hidden layer at which it is known, ascending.
        edges: floating-point operations per second at each in first and last layers.
        layers: the same between hidden layers.
        python: time of what is not arithmetic, relative to a Zen 4 core's.
    """

    widths: tuple[int, ...]
    edges: tuple[float, ...]
    layers: tuple[float, ...]
    python: float = 1.0

    def at(self, width: int) -> tuple[float, float]:
        """Floating-point operations per second of both at a width."""
        near = [
            float(np.interp(math.log(width), np.log(self.widths), rates))
            for rates in (self.edges, self.layers)
        ]
        return near[0], near[1]


REFERENCE = Speed((32, 64, 128, 256), (13e9, 19e9, 25e9, 29e9), (67e9, 71e9, 77e9, 63e9))
"""Two thirds of what a core of an AMD EPYC with AVX-512, Zen 4, was measured at. Plans are cut by it, and so are a
function of the runs alone; how long they take here is another question (`trainables.engine.machine.speed`)."""

ENGINE = 1.04
"""Time of a block of training over that of its products alone: noise, losses and Adam."""

UPDATE_SECONDS, ITERATION_SECONDS, EVALUATION_SECONDS = 5e-6, 10e-6, 1.2e-3
"""What a member takes beside arithmetic on a Zen 4 core for a step of a player, a batch and an evaluation."""


def operations(run: Run) -> float:
    """Floating-point operations of one iteration of one run in the products of its networks."""
    return sum(_operations(run))


def seconds(run: Run, speed: Speed = REFERENCE) -> float:
    """Expected seconds of one run on one CPU core, as a member of a full cohort; good to ± 15 % where the speed is."""
    c, form = run.configuration, objectives.find(run.algorithm).form
    rates = speed.at(width_of(run))
    products = ENGINE * sum(count / rate for count, rate in zip(_operations(run), rates, strict=True))
    overhead = UPDATE_SECONDS * len(form.updates(c.steps)) + ITERATION_SECONDS
    # Test points go through encoders and decoders, and back.
    coders = [weights for name, weights in _weights(run).items() if not form.networks[name].critic]
    points = 4.0 * len(run.dataset.test)
    through = points * sum(n / rate for weights in coders for n, rate in zip(weights, rates, strict=True))
    evaluations = math.ceil(run.budget / evaluated_every(run.budget))
    return (
        run.budget * (products + speed.python * overhead)
        + evaluations * (through + speed.python * EVALUATION_SECONDS)
        + _end_seconds(run, rates)
    )


def _end_seconds(run: Run, rates: tuple[float, float]) -> float:
    """What metrics take that send many points through the networks after the last iteration, such as annealing."""
    weights, passed = _weights(run), _passed(run.algorithm, run.data)
    return sum(
        2.0 * points * n / rate
        for name, points in passed.items()
        for n, rate in zip(weights.get(name, (0.0, 0.0)), rates, strict=True)
    )


@functools.cache
def _passed(algorithm: str, data: str) -> dict[str, float]:
    """Network -> points that the metrics of a system's models send through it, added up."""
    objective, on = objectives.find(algorithm), datasets.find(data)
    total: dict[str, float] = {}
    for metric in metrics.applicable(on).values():
        if metric.applies(objective.form, on, objective.has_bound):
            for name, points in metric.passes(on).items():
                total[name] = total.get(name, 0.0) + points
    return total


def fused(run: Run) -> bool:
    """Whether members of its cohorts are vectorised; else one trains after the other, and a cohort's size gains nothing."""
    part = run.configuration.part
    return all(part(ports.role).fused for ports in _ports(run).values())


def bytes_per_member(run: Run) -> int:
    """Peak memory that a further member takes: parameters, moments, what it is evaluated on, activations and the draws of a block.

    Members that train one after the other share the activations (`bytes_shared`).
    """
    c, form, data = run.configuration, objectives.find(run.algorithm).form, run.dataset
    size = sum(form.dims(data).values())
    noise = BLOCK * len(form.updates(c.steps)) * c.batch_size * size * 2  # drawn, then placed
    if fused(run):
        return int(4 * (6 * sum(map(sum, _weights(run).values())) + 2 * _hidden(run) + noise))
    parameters = sum(c.part(ports.role).parameters(ports) for ports in _ports(run).values())
    evaluated = len(data.test) * (size + 4 * data.x_dim)
    return int(4 * (6 * parameters + evaluated))


def bytes_shared(run: Run) -> int:
    """Peak memory of a cohort beside that of its members: the activations of the one that trains, where they are not fused."""
    return 0 if fused(run) else int(2 * 4 * _hidden(run))


def bytes_of_model(run: Run) -> int:
    """Size of the file of its trained model (`trainables.saved_models`): parameters, and a header of 2 kB; buffers are few."""
    part = run.configuration.part
    return 4 * sum(part(ports.role).parameters(ports) for ports in _ports(run).values()) + 2_000


def bytes_of(run: Run, members: int) -> int:
    """Peak memory of a cohort of so many members like the run."""
    return bytes_shared(run) + members * bytes_per_member(run)


def _hidden(run: Run) -> float:
    """Numbers that a step keeps for its way back."""
    c, form = run.configuration, objectives.find(run.algorithm).form
    units = {name: _counted(c.part(ports.role), ports)[2] for name, ports in _ports(run).items()}
    return c.batch_size * sum(u * (6 if form.networks[name].critic else 2) for name, u in units.items())


def _operations(run: Run) -> tuple[float, float]:
    """Floating-point operations of one iteration in first and last layers, and in those between."""
    from trainables.engine.traced import passes  # and torch

    c, form = run.configuration, objectives.find(run.algorithm).form
    steps, weights = Counter(form.updates(c.steps)), _weights(run)
    edges = layers = 0.0
    for player, products in passes.products(run.algorithm, run.data).items():
        for name, count in products.items():
            times = 2.0 * c.batch_size * steps[player] * count
            edges, layers = edges + times * weights[name][0], layers + times * weights[name][1]
    return edges, layers


def width_of(run: Run) -> int:
    """Units per hidden layer of its widest network, at which the speed of its arithmetic is looked up."""
    part = run.configuration.part
    return max(part(ports.role).units_per_layer for ports in _ports(run).values())


def _weights(run: Run) -> dict[str, tuple[float, float]]:
    """Weights of each network in first and last layers and in those between: multiplications per point of a pass."""
    part = run.configuration.part
    return {name: _counted(part(ports.role), ports)[:2] for name, ports in _ports(run).items()}


def _counted(network: Network, ports: Ports) -> tuple[float, float, float]:
    """`Network.products` and `Network.units`, counted once."""
    key = (type(network), *vars(network).items(), repr(ports))
    if key not in _counts:
        _counts[key] = (*network.products(ports), network.units(ports))
    return _counts[key]


_counts: dict[tuple[object, ...], tuple[float, float, float]] = {}
"""Arithmetic of networks by their values and ports."""


def _ports(run: Run) -> dict[str, Ports]:
    from trainables.engine.assemble import ports_of  # and torch

    form, data = objectives.find(run.algorithm).form, run.dataset
    return {name: ports_of(form, name, data) for name in form.networks if name not in data.known}
