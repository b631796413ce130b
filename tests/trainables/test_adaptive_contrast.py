"""Adaptive contrast: moments that an encoder knows, exact where it is linear and Gaussian, and those of a few codes elsewhere."""

from __future__ import annotations

import math
from typing import final

import pytest
import torch
from torch import Tensor, nn

from tests.trainables.factory import run
from trainables import datasets, objectives
from trainables.configurations import fitted
from trainables.engine.training import Training
from trainables.models.batch import Model
from trainables.networks.base import Network, Ports
from trainables.objectives import avb_ac
from trainables.runs import Run
from trainables.testing import USUAL, network_contract


class Linear(nn.Module):
    """z = A x + b + B ε, which is Gaussian given x."""

    def __init__(self, ports: Ports) -> None:
        super().__init__()
        x, epsilon = (math.prod(shape) for shape in ports.inputs.values())
        self.of_x, self.of_noise = nn.Linear(x, ports.outputs), nn.Linear(epsilon, ports.outputs, bias=False)

    def forward(self, x: Tensor, epsilon: Tensor) -> Tensor:
        return self.of_x(x) + self.of_noise(epsilon)

    def moments(self, epsilon: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        noise = self.of_noise(epsilon)
        mean = noise.mean(0)
        return self.of_x(x) + mean, (noise - mean).square().mean(0).expand(len(x), -1)


@final
class LinearEncoder(Network):
    """An encoder that is linear in the point and in the noise."""

    name = "linear_encoder"

    def build(self, ports: Ports) -> nn.Module:
        return Linear(ports)


PATH = f"{LinearEncoder.__module__}:LinearEncoder"
VALUES = {"encoder": PATH, "decoder": "mlp", "critic": "mlp"}


def linear_run(algorithm: str, seed: int = 0) -> Run:
    return Run("test", algorithm, 0.0, seed, fitted({**USUAL, **VALUES}), 20, data="mixture5")


@pytest.mark.parametrize("algorithm", ["avb_ac", "avb_ac_prior"])
def test_adaptive_contrasts_moments_are_exact_on_a_linear_gaussian_model(algorithm: str) -> None:
    training = Training([linear_run(algorithm)], metrics=())
    networks, data = training.cohort.member(0), training.cohort.dataset
    model = Model(networks, training.cohort.form, data)
    x, inner = data.test[:300, : data.x_dim], training.cohort.networks["encoder"]
    flat = training.cohort.parameters["encoder"][0]
    values = inner.parameters(flat)
    mean, variance = avb_ac.moments(model, x, torch.zeros(300, data.z_dim))
    expected = x @ values["of_x.weight"].T + values["of_x.bias"]
    assert (mean - expected).abs().max() < 1e-4
    exact = values["of_noise.weight"].square().sum(1)  # Σ_j B_kj²
    assert (variance - exact).abs().max() < 1e-4
    assert exact.min() > 0.05


def test_moments_of_an_encoder_that_does_not_know_them_are_those_of_its_codes() -> None:
    data, form = datasets.find("mixture5"), objectives.find("avb_ac").form
    model = Model({"encoder": lambda x, epsilon: x / 2 + 3 * epsilon}, form, data)
    assert not model.knows_moments
    x = data.test[:50, :2]
    mean, variance = avb_ac.moments(model, x, x)
    torch.testing.assert_close(mean, x / 2, rtol=0, atol=1e-5)
    torch.testing.assert_close(variance, torch.full_like(x, 9.0), rtol=0, atol=1e-4)


def test_known_moments_are_taken_with_no_code_drawn() -> None:
    known = (torch.full((4, 2), 0.5), torch.full((4, 2), 4.0))

    class Encoder:
        def __call__(self, *inputs: Tensor) -> Tensor:
            raise AssertionError("an encoder that knows its moments must not be sampled for them")

        def moments(self, epsilon: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            covariance = epsilon.T @ epsilon / len(epsilon)
            torch.testing.assert_close(covariance, torch.eye(epsilon.shape[1]), rtol=0, atol=1e-5)
            torch.testing.assert_close(epsilon.mean(0), torch.zeros(epsilon.shape[1]), rtol=0, atol=1e-6)
            return known

    data, form = datasets.find("mixture5"), objectives.find("avb_ac").form
    mean, variance = avb_ac.moments(Model({"encoder": Encoder()}, form, data), data.test[:4, :2], known[0])
    torch.testing.assert_close(mean, known[0])
    torch.testing.assert_close(variance, known[1])


test_an_encoder_that_knows_its_moments_conforms = network_contract(
    LinearEncoder, algorithm="avb_ac", **{name: value for name, value in VALUES.items() if name != "encoder"}
)


def test_an_encoder_that_knows_its_moments_trains_with_every_system_alone_as_beside_others() -> None:
    assert run().configuration.part("encoder").name == "mlp"
    runs = [linear_run(a) for a in ("avb", "avb_ac", "avb_ac_prior")]
    results = []
    for members in (runs, runs[1:2]):
        training = Training(members, metrics=["elbo"])
        while not training.finished:
            training.advance()
        results.append(training.results())
    assert results[0][1].metrics == results[1][0].metrics
    assert results[0][1].metrics
