"""The draws of the posterior against what can be worked out of it, and systems that look for it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from tests.trainables.factory import run
from trainables import datasets, objectives
from trainables.batch import Model
from trainables.cohort import Cohort
from trainables.datasets.eight_schools import EFFECTS, ERRORS, log_likelihood_parameters, posterior
from trainables.neighbours import kl_divergence
from trainables.training import Training

Y, SIGMA = np.array(EFFECTS), np.array(ERRORS)


def density_of_tau(tau: np.ndarray) -> np.ndarray:
    """p(τ|y) up to a factor: with μ and η integrated out, y ~ N(0, diag(σ² + τ²) + 1 1ᵀ)."""
    covariance = np.apply_along_axis(np.diag, 1, SIGMA**2 + tau[:, None] ** 2) + 1.0
    fit = np.einsum("i,tij,j->t", Y, np.linalg.inv(covariance), Y)
    return np.exp(-0.5 * fit - 0.5 * np.linalg.slogdet(covariance)[1]) * norm.pdf(tau)


def exact_draws(count: int, rng: np.random.Generator) -> np.ndarray:
    """Independent draws: τ from its marginal; μ given τ and each η given both are Gaussian."""
    grid = np.linspace(-5, 5, 4001)
    cumulative = np.cumsum(density_of_tau(grid))
    tau = np.interp(rng.random(count) * cumulative[-1], cumulative, grid)
    weight = 1 / (SIGMA**2 + tau[:, None] ** 2)
    precision = 1 + weight.sum(1)
    mu = (weight * Y).sum(1) / precision + rng.standard_normal(count) / np.sqrt(precision)
    precision = 1 + (tau[:, None] / SIGMA) ** 2
    mean = tau[:, None] * (Y - mu[:, None]) / SIGMA**2 / precision
    eta = mean + rng.standard_normal(mean.shape) / np.sqrt(precision)
    return np.column_stack([mu, tau, eta]).astype(np.float32)


def test_the_posterior_of_tau_is_the_one_worked_out_and_has_two_modes() -> None:
    grid = np.linspace(-4, 4, 801)
    density = density_of_tau(grid)
    density /= density.sum() * (grid[1] - grid[0])
    mode = grid[density.argmax()]
    assert 0.4 < abs(mode) < 0.9
    assert density[400] < 0.3 * density.max()  # at 0, between the modes
    tau = posterior()[:, 1].numpy()
    cumulative = np.cumsum(density) * (grid[1] - grid[0])
    # Kolmogorov's distance of 3,400 effective draws is below 1.63 / √3400 = 0.028 in 99 of 100 samples
    assert np.abs(np.interp(np.sort(tau), grid, cumulative) - (np.arange(5000) + 0.5) / 5000).max() < 0.028


def test_the_draws_of_nuts_are_like_independent_ones() -> None:
    drawn = torch.from_numpy(exact_draws(5000, np.random.default_rng(0)))
    assert abs(kl_divergence(drawn, posterior()).item()) < 0.05  # its standard deviation is about 0.015
    torch.testing.assert_close(drawn.mean(0), posterior().mean(0), rtol=0, atol=0.07)
    torch.testing.assert_close(drawn.std(0), posterior().std(0), rtol=0.06, atol=0)


def test_the_decoder_is_the_known_likelihood() -> None:
    z = torch.tensor([[0.5, -2.0, *[0.1 * i for i in range(8)]]])
    given = log_likelihood_parameters(z)
    data = datasets.find("eight_schools")
    form = objectives.find("vae").form
    model = Model(dict(data.known), form, data)
    expected = norm.logpdf(Y, 0.5 - 2 * 0.1 * np.arange(8), SIGMA).sum()
    assert model.log_p(data.test[:1], z).item() == pytest.approx(expected, rel=1e-5)
    assert given.shape == (1, 16)


@pytest.mark.parametrize(
    "name", ["avb_ac", *(pytest.param(n, marks=pytest.mark.slow) for n in ("vae", "avb", "vae_flow"))]
)
def test_systems_train_the_encoder_and_leave_the_likelihood_alone(name: str) -> None:
    runs = [replace(run(name, seed=seed, budget=20, width=96), data="eight_schools") for seed in range(2)]
    cohort = Cohort(runs, torch.device("cpu"))
    assert "decoder" not in cohort.parameters
    assert cohort.form.players["autoencoder"] == ("encoder",)
    training = Training(runs)
    training.advance()
    for result in training.results():
        assert result.metrics is not None
        assert math.isfinite(result.metrics["kl_posterior"])
        assert result.samples.shape == (256, 10)
    alone = Training(runs[1:])
    alone.advance()
    assert alone.results()[0].metrics == training.results()[1].metrics


@pytest.mark.parametrize("name", ["gan", "ali", "cvae"])
def test_systems_that_do_not_infer_are_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"(is known and not trained.*vae.*got {name}|needs data with labels)"
    ):
        objectives.check(name, "eight_schools")
