"""Wake-sleep finds the most likely linear model, whose likelihood is known."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import final

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from tests.trainables.factory import run
from tests.trainables.test_systems import assert_alike, gradients
from trainables import configurations, objectives
from trainables.datasets.base import DataSet
from trainables.engine.training import Training
from trainables.networks.base import Network, Ports

LOADINGS, MEANS, VARIANCES = (
    torch.tensor(numbers, dtype=torch.float64)
    for numbers in ((2.0, -1.0, 1.5), (1.0, 0.0, -1.0), (0.3, 0.5, 0.2))
)


def marginal(loadings: Tensor, means: Tensor, variances: Tensor) -> MultivariateNormal:
    """p(x) = N(b, W Wᵀ + diag σ²) of x = W z + b + σ ξ with one factor z ~ N(0, 1)."""
    return MultivariateNormal(means, torch.outer(loadings, loadings) + torch.diag(variances))


@final
class OneFactor(DataSet):
    """Points in space that one factor explains; 8,192 to train on."""

    name = version = "one-factor-v1"
    shape = (3,)
    x_dim, z_dim, noise_dim = 3, 1, 1

    @property
    def train(self) -> Tensor:
        """The first 8,192 points."""
        return _points()[:8192]

    @property
    def test(self) -> Tensor:
        """The others."""
        return _points()[8192:]


@functools.cache
def _points() -> Tensor:
    draw = torch.Generator().manual_seed(0)
    normal = torch.randn(8448, 3, generator=draw, dtype=torch.float64)
    factor = torch.linalg.cholesky(marginal(LOADINGS, MEANS, VARIANCES).covariance_matrix)
    return (MEANS + normal @ factor.T).float()


@final
class Affine(Network):
    """Means that are linear in the input, and log-variances that are free numbers."""

    name = "affine"

    def build(self, ports: Ports) -> nn.Module:
        return AffineGaussian(ports.width, ports.outputs // 2)


class AffineGaussian(nn.Module):
    """[batch, inputs] -> means and log-variances [batch, 2 · dimension]."""

    def __init__(self, inputs: int, dimension: int) -> None:
        super().__init__()
        self.mean = nn.Linear(inputs, dimension)
        self.log_variance = nn.Parameter(torch.zeros(dimension))

    def forward(self, value: Tensor) -> Tensor:
        """[batch, 2 · dimension]."""
        return torch.cat([self.mean(value), self.log_variance.expand(len(value), -1)], -1)


def gap(training: Training) -> float:
    """KL(truth ‖ model), by which the model's mean log-likelihood is below the best one, in nats."""
    with torch.no_grad():
        given = training.cohort.member(0)["decoder"](torch.tensor([[0.0], [1.0]])).double()
    means, log_variances = given.chunk(2, -1)
    truth = marginal(LOADINGS, MEANS, VARIANCES)
    return kl_divergence(truth, marginal(means[1] - means[0], means[0], log_variances[0].exp())).item()


def test_wake_sleep_reaches_the_likelihood_of_a_linear_gaussian_model() -> None:
    # Where it converges: Neal & Dayan 1997, "Factor analysis using delta-rule wake-sleep learning"
    usual, affine = run("wake_sleep", budget=480), f"{__name__}:Affine"
    values = {"encoder": affine, "decoder": affine, "learning_rate": 0.03, "batch_size": 512, "steps": 1}
    configuration = configurations.fitted({**usual.configuration.values, **values})
    training = Training([replace(usual, configuration=configuration, data=f"{__name__}:OneFactor")])
    assert gap(training) > 1
    while not training.finished:
        training.advance()
    assert gap(training) < 0.05


def test_the_wake_phase_is_the_vaes_bound_in_the_decoder() -> None:
    ours, theirs = (gradients(objectives.find(name), "autoencoder") for name in ("wake_sleep", "vae"))
    assert_alike(ours, theirs, ["decoder"])
