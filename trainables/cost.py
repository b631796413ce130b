"""What a run costs: arithmetic counted from its shapes, time from measured rates."""

from __future__ import annotations

from trainables import objectives
from trainables.iterations import BLOCK
from trainables.runs import Run

CPU_RATES = ((32, 45e9), (64, 60e9), (128, 68e9))
"""Floating-point operations per second and core of a fused cohort at a width, measured (docs/benchmarks.md)."""


def operations(run: Run) -> float:
    """Floating-point operations of one iteration of one run with both reconstruction terms; of other systems about."""
    c, form = run.configuration, objectives.find(run.algorithm).form
    coders, critics = _weights(run)
    # Forward is one product per weight, backward one for the weights and one for the input.
    autoencoder_step = 2 * 3 * coders + 2 * 2 * critics
    critic_step = coders + 2 * 3 * critics
    critic_steps = form.updates(c.steps).count("critic")
    return 2.0 * c.batch_size * (c.steps * autoencoder_step + critic_steps * critic_step)


def seconds(run: Run) -> float:
    """Expected seconds of one run on one CPU core, as a member of a full cohort; good to ± 40 %."""
    width = run.configuration.width
    rate = next((rate for limit, rate in CPU_RATES if width <= limit), CPU_RATES[-1][1])
    return run.budget * operations(run) / rate


def bytes_per_member(run: Run) -> int:
    """Peak memory of one member in training: parameters, moments, activations and the draws of a block."""
    c, form = run.configuration, objectives.find(run.algorithm).form
    coders, critics = _weights(run)
    hidden = c.batch_size * c.width * (4 * c.depth + 6 * c.critic_depth)
    size = sum(form.dims(run.dataset).values())
    noise = BLOCK * len(form.updates(c.steps)) * c.batch_size * size * 2  # drawn, then placed
    return 4 * (6 * (coders + critics) + 2 * hidden + noise)


def _weights(run: Run) -> tuple[int, int]:
    """Weights of all encoders and decoders and of all critics: multiplications per point of a forward pass."""
    c, form = run.configuration, objectives.find(run.algorithm).form
    totals = [0, 0]
    for name, net in form.networks.items():
        if name in run.dataset.known:
            continue
        inputs, outputs = form.size(name, run.dataset)
        depth = c.critic_depth if net.critic else c.depth
        totals[net.critic] += inputs * c.width + (depth - 1) * c.width * c.width + c.width * outputs
    return totals[0], totals[1]
