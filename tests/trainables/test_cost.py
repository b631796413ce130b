"""The cost of a run: arithmetic by hand, time by the speed that is given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.trainables.factory import SMALL
from trainables import datasets
from trainables.engine import cost
from trainables.engine.cost import REFERENCE, Speed
from trainables.estimators.annealing import SCOUTS
from trainables.metrics.log_likelihood import CHAINS, LEAPFROG, TEMPERATURES
from trainables.runs import Run

RUN = Run("study", "alice", 0.1, 0, SMALL.changed(width=64, critic_depth=3, batch_size=128, steps=5), 300)


def test_operations_are_counted_from_the_shapes() -> None:
    # Encoder and decoder 4 -> 64 -> 64 -> 2, the critic 4 -> 64 -> 64 -> 64 -> 1.
    coders, critics = 2 * (6 * 64 + 64 * 64), 5 * 64 + 2 * 64 * 64
    autoencoder, critic = 6 * coders + 4 * critics, coders + 6 * critics
    assert cost.operations(RUN) == 2 * 128 * (5 * autoencoder + critic)


def test_seconds_are_less_where_a_core_is_faster() -> None:
    double = Speed(REFERENCE.widths, *(tuple(2 * r for r in rates) for rates in (REFERENCE.edges, REFERENCE.layers)), 0.5)  # fmt: skip
    assert cost.seconds(RUN, double) == pytest.approx(cost.seconds(RUN) / 2)


def test_seconds_grow_with_iterations_and_evaluations() -> None:
    # 30 iterations have two evaluations, 60 three and 300 five: ten times the training of 30.
    thirty, sixty = (cost.seconds(replace(RUN, budget=budget)) for budget in (30, 60))
    evaluation = (2 * thirty - sixty) / (2 * 2 - 3)
    assert cost.seconds(RUN) - 5 * evaluation == pytest.approx(10 * (thirty - 2 * evaluation))


def test_speed_between_two_widths_is_between_theirs_and_beyond_them_the_last() -> None:
    speed = Speed((32, 128), (1e9, 3e9), (10e9, 30e9))
    assert speed.at(64) == pytest.approx((2e9, 20e9))
    assert speed.at(16) == (1e9, 10e9)
    assert speed.at(512) == (3e9, 30e9)


def test_points_that_metrics_send_through_networks_at_the_end_are_counted() -> None:
    def seconds(algorithm: str, data: str, budget: int) -> float:
        return cost.seconds(replace(RUN, algorithm=algorithm, data=data, budget=budget))

    on = datasets.find("digits")
    gradients = on.likelihood_points * (CHAINS + SCOUTS) * (TEMPERATURES * LEAPFROG + 1)
    assert cost._passed("vae", "digits") == cost._passed("avb", "digits") == {"decoder": 3.0 * gradients}
    assert cost._passed("gan", "digits") == cost._passed("vae", "mixture5") == {}
    _, hidden = REFERENCE.at(64)
    assert seconds("vae", "digits", 1) - seconds("gan", "digits", 1) > 2 * 3 * gradients * 64 * 64 / hidden
