"""What a run costs: arithmetic counted from its shapes, time from measured rates."""

from __future__ import annotations

from trainables.draws import BLOCK
from trainables.joint import NOISE
from trainables.mixture import X_DIM, Z_DIM
from trainables.networks import NOISE_DIM
from trainables.runs import Configuration, Run

CPU_RATES = ((32, 45e9), (64, 60e9), (128, 68e9))
"""Floating-point operations per second and core of a fused cohort at a width, measured (docs/benchmarks.md)."""


def operations(configuration: Configuration) -> float:
    """Floating-point operations of one iteration of one run with both reconstruction terms."""
    c = configuration
    coder = _multiplications(X_DIM + NOISE_DIM, c.depth, c.width, Z_DIM)
    critic = _multiplications(X_DIM + Z_DIM, c.critic_depth, c.width, 1)
    # Forward is one product per weight, backward one for the weights and one for the input.
    autoencoder_step = 4 * 3 * coder + 2 * 2 * critic
    critic_step = 2 * coder + 2 * 3 * critic
    return 2.0 * c.batch_size * (c.steps * autoencoder_step + critic_step)


def seconds(run: Run) -> float:
    """Expected seconds of one run on one CPU core, as a member of a full cohort; good to ± 40 %."""
    width = run.configuration.width
    rate = next((rate for limit, rate in CPU_RATES if width <= limit), CPU_RATES[-1][1])
    return run.budget * operations(run.configuration) / rate


def bytes_per_member(configuration: Configuration) -> int:
    """Peak memory of one member in training: parameters, moments, activations and the draws of a block."""
    c = configuration
    coder = _multiplications(X_DIM + NOISE_DIM, c.depth, c.width, Z_DIM)
    critic = _multiplications(X_DIM + Z_DIM, c.critic_depth, c.width, 1)
    hidden = c.batch_size * c.width * (4 * c.depth + 6 * c.critic_depth)
    noise = BLOCK * (1 + c.steps) * c.batch_size * sum(NOISE.values()) * 2  # drawn, then placed
    return 4 * (6 * (2 * coder + critic) + 2 * hidden + noise)


def _multiplications(inputs: int, depth: int, width: int, outputs: int) -> int:
    """Weights of an MLP: multiplications per point of a forward pass."""
    return inputs * width + (depth - 1) * width * width + width * outputs
