"""Densities of explicit networks, of full rank: against torch's own, and where the true posterior is one of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from trainables import datasets
from trainables.models import densities
from trainables.models.batch import Model
from trainables.models.spec import EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form, Net

FULL_RANK = Net(("x",), "z", explicit=True, full_rank=True)
DIMENSIONS = (1, 2, 5)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def given_by(mean: Tensor, factor: Tensor) -> Tensor:
    """Numbers that describe N(mean [d], L Lᵀ) for its factor L [d, d]."""
    row, column = torch.tril_indices(len(mean), len(mean), offset=-1)
    return torch.cat([mean, 2 * factor.diagonal().log(), factor[row, column]])


def described(given: Tensor, dimension: int) -> MultivariateNormal:
    """The same the other way round, as torch has it: one Gaussian from [n]."""
    mean, log_variance, below = given.split([dimension, dimension, dimension * (dimension - 1) // 2])
    factor = torch.diag((0.5 * log_variance).exp())
    row, column = torch.tril_indices(dimension, dimension, offset=-1)
    factor[row, column] = below
    return MultivariateNormal(mean, scale_tril=factor)


def test_numbers_of_a_full_rank_gaussian_are_its_means_and_half_of_a_matrix() -> None:
    assert [densities.size(d, FULL_RANK) for d in (1, 2, 10)] == [2, 2 + 3, 10 + 55]
    # By hand: m = (1, 2), L = (2, 0; 3, 0.5), ε = (1, −1): m + L ε = (1 + 2, 2 + 3 − 0.5).
    given = torch.tensor([1.0, 2.0, 2 * math.log(2.0), 2 * math.log(0.5), 3.0])
    torch.testing.assert_close(
        densities.sample(given, torch.tensor([1.0, -1.0]), FULL_RANK), torch.tensor([3.0, 4.5])
    )


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_full_rank_density_is_that_of_torch(dimension: int) -> None:
    given, values = drawn(4, densities.size(dimension, FULL_RANK)), drawn(4, dimension, seed=1)
    expected = torch.stack([described(g, dimension).log_prob(v) for g, v in zip(given, values, strict=True)])
    torch.testing.assert_close(densities.log_density(values, given, FULL_RANK), expected)
    every_pair = densities.log_density(values.unsqueeze(1), given, FULL_RANK)  # leading dimensions broadcast
    torch.testing.assert_close(every_pair.diagonal(), expected)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_full_rank_sample_is_that_of_the_factor_and_knows_its_density(dimension: int) -> None:
    given, noise = drawn(densities.size(dimension, FULL_RANK)), drawn(4, dimension, seed=1)
    value, log_density = densities.sample_and_log_density(given, noise, FULL_RANK)
    gaussian = described(given, dimension)
    torch.testing.assert_close(value, gaussian.loc + noise @ gaussian.scale_tril.T)
    torch.testing.assert_close(log_density, gaussian.log_prob(value))
    torch.testing.assert_close(densities.centre(given, dimension, FULL_RANK), gaussian.loc)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_divergence_of_a_full_rank_gaussian_from_the_prior_is_that_of_torch(dimension: int) -> None:
    given = drawn(4, densities.size(dimension, FULL_RANK))
    prior = MultivariateNormal(torch.zeros(dimension).double(), torch.eye(dimension).double())
    expected = torch.stack([kl_divergence(described(g, dimension), prior) for g in given])
    torch.testing.assert_close(densities.kl_to_prior(given, dimension, FULL_RANK), expected)


def test_a_full_rank_gaussian_with_nothing_below_its_diagonal_is_the_diagonal_one() -> None:
    diagonal, noise = drawn(3, 2 * 4), drawn(3, 4, seed=1)
    given = torch.cat([diagonal, torch.zeros(3, 6).double()], -1)
    assert torch.equal(
        densities.sample(given, noise, FULL_RANK), densities.sample(diagonal, noise, GAUSSIAN_ENCODER)
    )
    ours = densities.kl_to_prior(given, 4, FULL_RANK)
    assert torch.equal(ours, densities.kl_to_prior(diagonal, 4, GAUSSIAN_ENCODER))


# A linear Gaussian model: x ~ N(W z, ½ I), z ~ N(0, I). Its posterior has the precision Λ = I + 2 WᵀW and the mean
# Λ⁻¹ 2 Wᵀ x, and p(x) = N(0, W Wᵀ + ½ I).

D, VARIANCE = 3, 0.5
W, X = drawn(4, D, seed=2), drawn(1, 4, seed=3)
PRECISION = torch.eye(D).double() + W.T @ W / VARIANCE
MEAN = torch.linalg.solve(PRECISION, W.T @ X[0] / VARIANCE)
EVIDENCE = MultivariateNormal(torch.zeros(4).double(), W @ W.T + VARIANCE * torch.eye(4)).log_prob(X[0])


def model_of(encoder: Net, given: Tensor) -> Model:
    def decoder(z: Tensor) -> Tensor:
        means = z @ W.T
        return torch.cat([means, torch.full_like(means, math.log(VARIANCE))], -1)

    form = Form({"encoder": encoder, "decoder": EXPLICIT_DECODER}, {"autoencoder": ("encoder",)})
    return Model(
        {"encoder": lambda x: given.expand(len(x), -1), "decoder": decoder}, form, datasets.find("mixture5")
    )


def bound_of(encoder: Net, given: Tensor) -> float:
    """The evidence lower bound without an error of sampling: ± √d e_i have the mean and the covariance of N(0, I), and
    log p(x|z) is quadratic."""
    axes = math.sqrt(D) * torch.eye(D).double()
    return model_of(encoder, given).elbo(X, torch.cat([axes, -axes])).mean().item()


def test_the_full_rank_bound_of_a_linear_gaussian_model_is_the_evidence_at_its_posterior() -> None:
    given = given_by(MEAN, torch.linalg.cholesky(torch.linalg.inv(PRECISION)))
    assert bound_of(FULL_RANK, given) == pytest.approx(EVIDENCE.item(), abs=1e-12)
    # log p(x, z) − log q(z|x) is log p(x) at every z
    model, z = model_of(FULL_RANK, given), drawn(5, D, seed=4)
    joint = model.log_p(X, z) + densities.log_prior(z)
    torch.testing.assert_close(joint - model.log_q(z, X), EVIDENCE.expand(5))


def test_the_diagonal_bound_of_a_linear_gaussian_model_stays_below_the_evidence() -> None:
    # The best diagonal Gaussian has the variances 1 / Λ_ii and is KL = ½ (Σ log Λ_ii − log det Λ) off (Bishop 2006, §10.1.2).
    gap = 0.5 * (PRECISION.diagonal().log().sum() - torch.logdet(PRECISION)).item()
    best = torch.cat([MEAN, -PRECISION.diagonal().log()])
    assert gap > 0.3
    assert bound_of(GAUSSIAN_ENCODER, best) == pytest.approx(EVIDENCE.item() - gap, abs=1e-12)
    for direction in drawn(20, 2 * D, seed=5):  # there is none better nearby
        assert bound_of(GAUSSIAN_ENCODER, best + 0.1 * direction) < EVIDENCE.item() - gap
