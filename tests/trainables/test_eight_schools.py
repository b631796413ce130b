"""The evidence, the draws of the posterior and KL to it against what can be worked out, and systems that look for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad
from scipy.optimize import minimize
from scipy.stats import norm
from torch import Tensor

from tests.trainables.factory import run
from trainables import datasets, metrics, objectives
from trainables.datasets.eight_schools import (
    EFFECTS,
    ERRORS,
    log_evidence,
    log_likelihood_parameters,
    posterior,
    straightened,
)
from trainables.engine.cohort import Cohort
from trainables.engine.training import Training
from trainables.estimators.neighbours import kl_divergence
from trainables.metrics.evaluated import Evaluated
from trainables.metrics.kl_posterior import IMPLICIT_CODES
from trainables.models import densities
from trainables.models.batch import Model

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


def test_the_evidence_is_that_of_quadrature_over_the_mean_and_the_deviation() -> None:
    # Given μ and τ the schools are independent, y_i ~ N(μ, σ_i² + τ²); τ has either sign.
    def density(mu: float, tau: float) -> float:
        return float(norm.pdf(Y, mu, np.sqrt(SIGMA**2 + tau**2)).prod() * norm.pdf(mu) * norm.pdf(tau))

    evidence, _ = dblquad(density, 0, 6, -6, 6, epsabs=1e-12)
    assert log_evidence() == pytest.approx(math.log(2 * evidence), abs=1e-6)
    assert log_evidence() == pytest.approx(-12.7108, abs=5e-5)


def test_the_evidence_is_the_mean_likelihood_of_draws_of_the_prior() -> None:
    # As the model has it, in all ten dimensions; the error is worked out of the draws themselves.
    z = torch.randn(1_000_000, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    data = datasets.find("eight_schools")
    model = Model(dict(data.known), objectives.find("vae").form, data)
    log_likelihood = model.log_p(torch.tensor([EFFECTS]), z)
    ratio = (log_likelihood - log_evidence()).exp()
    error = (ratio.std() / math.sqrt(len(z))).item()
    assert error < 0.05
    assert ratio.mean().item() == pytest.approx(1.0, abs=4 * error)


def elbo_of_gaussian(parameters: Tensor) -> Tensor:
    """Mean-field Gaussian q's ELBO in closed form: E(y − μ − τ η)² of independent μ, τ, η. From means and log-variances [20]."""
    (mu, tau, *eta), (v_mu, v_tau, *v_eta) = (
        part.unbind() for part in (parameters[:10], parameters[10:].exp())
    )
    y, sigma = torch.tensor(Y), torch.tensor(SIGMA)
    eta_, v_eta_ = torch.stack(eta), torch.stack(v_eta)
    spread = v_mu + (tau**2 + v_tau) * (eta_**2 + v_eta_) - tau**2 * eta_**2
    log_p = -0.5 * (((y - mu - tau * eta_) ** 2 + spread) / sigma**2 + (2 * math.pi * sigma**2).log())
    kl = 0.5 * (parameters[:10] ** 2 + parameters[10:].exp() - 1 - parameters[10:])
    return log_p.sum() - kl.sum()


def best_gaussian() -> Tensor:
    """Parameters [20] of mean-field Gaussian variational Bayes at its optimum, where τ > 0."""

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = torch.tensor(at, requires_grad=True)
        value = -elbo_of_gaussian(parameters)
        value.backward()  # type: ignore[no-untyped-call]
        assert parameters.grad is not None
        return value.item(), parameters.grad.numpy()

    start = np.array([0.5, 1.0, *np.zeros(8), *np.full(10, -1.0)])
    return torch.tensor(minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-8}).x)


def explicit(name: str, given: Tensor) -> Model:
    """A system's model whose encoder gives these numbers."""
    data = datasets.find("eight_schools")
    functions = {"encoder": lambda x: given.float().expand(len(x), -1), **data.known}
    return Model(functions, objectives.find(name).form, data)


def implicit(encoder: Callable[[Tensor, Tensor], Tensor]) -> Model:
    """A model whose encoder can only be sampled."""
    data = datasets.find("eight_schools")
    return Model({"encoder": encoder, **data.known}, objectives.find("avb").form, data)


def kl_posterior(model: Model, seed: int = 0) -> float:
    def draw(*shape: int, name: str) -> Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    return metrics.find("kl_posterior")(
        Evaluated(model, datasets.find("eight_schools").test, {}, draw=draw)
    ).item()


def test_divergence_of_the_best_mean_field_gaussian_is_exact_and_an_implicit_encoder_gets_the_same() -> None:
    best = best_gaussian()
    elbo = elbo_of_gaussian(best).item()
    assert elbo == pytest.approx(-14.2921, abs=1e-4)
    exact = log_evidence() - elbo
    assert exact == pytest.approx(1.581, abs=5e-4)
    model = explicit("vae", best)
    assert kl_posterior(model) == pytest.approx(exact, abs=0.02)
    assert kl_posterior(implicit(model.encode)) == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("name", ["vae", "vae_full_rank", "vae_flow"])
def test_divergence_is_the_same_whether_the_density_of_codes_is_known_or_not(name: str) -> None:
    outputs = objectives.find(name).form.size("encoder", datasets.find("eight_schools"))[1]
    near = torch.zeros(outputs).double()
    near[:20] = best_gaussian()
    for seed in range(2):
        given = near + 0.1 * torch.randn(outputs, generator=torch.Generator().manual_seed(seed))
        model = explicit(name, given)
        assert kl_posterior(implicit(model.encode)) == pytest.approx(kl_posterior(model), abs=0.1)


MIRROR = torch.tensor([1.0, *[-1.0] * 9])
"""(μ, τ, η) -> (μ, −τ, −η), which leaves the posterior as it is."""


def test_divergence_of_two_modes_is_that_of_their_density() -> None:
    # ½ q + ½ its mirror image: exact by −log of the mixture's density at 200,000 codes.
    model = explicit("vae", best_gaussian())

    def both(x: Tensor, epsilon: Tensor) -> Tensor:
        z = model.encode(x, epsilon)
        return torch.where(torch.arange(len(z)).unsqueeze(1) % 2 == 0, z, z * MIRROR)

    y = torch.tensor([EFFECTS])
    z = both(y, torch.randn(200_000, 10, generator=torch.Generator().manual_seed(1)))
    log_q = torch.logaddexp(model.log_q(z, y), model.log_q(z * MIRROR, y)) - math.log(2)
    exact = log_evidence() + (log_q - model.log_p(y, z) - densities.log_prior(z)).double().mean().item()
    assert exact == pytest.approx(1.581 - math.log(2), abs=0.02)  # they hardly overlap
    assert kl_posterior(implicit(both)) == pytest.approx(exact, abs=0.05)


def test_divergence_of_the_posterior_itself_is_near_zero() -> None:
    drawn = torch.from_numpy(exact_draws(IMPLICIT_CODES, np.random.default_rng(1)))
    assert kl_posterior(implicit(lambda x, epsilon: drawn)) == pytest.approx(0.0, abs=0.05)


def test_straightened_codes_of_the_posterior_are_normal_and_the_determinant_is_that_of_the_jacobian() -> None:
    codes = torch.from_numpy(exact_draws(20_000, np.random.default_rng(2))).double()
    straight, _ = straightened(codes)
    # Standard errors 1 / √20,000 = 0.007 of a mean and of a correlation, 0.005 of a deviation.
    torch.testing.assert_close(straight[:, 1:].T.cov(), torch.eye(9).double(), rtol=0, atol=0.04)
    assert straight[:, 1:].mean(0).abs().max() < 0.03
    for z in codes[:3]:
        jacobian = torch.autograd.functional.jacobian(lambda at: straightened(at)[0], z)  # type: ignore[no-untyped-call]
        log_det = torch.linalg.slogdet(jacobian).logabsdet
        torch.testing.assert_close(straightened(z)[1], log_det)


def test_divergence_is_infinite_when_codes_collapse_and_nan_when_they_are_not_finite() -> None:
    assert kl_posterior(implicit(lambda x, epsilon: torch.zeros_like(epsilon))) == math.inf
    points = torch.eye(10)
    assert kl_posterior(implicit(lambda x, epsilon: points[epsilon.argmax(1)])) == math.inf
    line = torch.arange(1.0, 11.0)
    assert kl_posterior(implicit(lambda x, epsilon: epsilon[:, :1] * line)) > 20
    assert math.isnan(kl_posterior(implicit(lambda x, epsilon: epsilon / 0)))


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
    "name",
    [
        "avb_ac",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("vae", "vae_full_rank", "avb", "vae_flow")),
    ],
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
