"""Annealed importance sampling against models whose likelihood is known in closed form or by quadrature."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from trainables.estimators.annealing import (
    Annealed,
    ais,
    importance_log_likelihood,
    reverse_ais,
    sigmoid_schedule,
)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def log_normal(x: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """log N(x; mean, covariance): [...] from x [..., d]."""
    r = x - mean
    square = (r @ covariance.inverse() * r).sum(-1)
    return -(square + covariance.logdet() + len(covariance) * math.log(2 * math.pi)) / 2


@dataclass(frozen=True)
class LinearGaussian:
    """x = W z + b + σ ε, so that x ~ N(b, W Wᵀ + σ² I) and z given x is Gaussian too; float64."""

    weight: Tensor
    bias: Tensor
    sigma: float
    z: Tensor
    x: Tensor

    @classmethod
    def draw(cls, x_dim: int, z_dim: int, sigma: float, points: int) -> LinearGaussian:
        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=g, dtype=torch.float64)

        g = seeded(0)
        weight, bias, z = normal(x_dim, z_dim), normal(x_dim), normal(points, z_dim)
        return cls(weight, bias, sigma, z, z @ weight.T + bias + sigma * normal(points, x_dim))

    def log_likelihood(self, z: Tensor) -> Tensor:
        mean = z @ self.weight.T.to(z) + self.bias.to(z)
        square = (self.x.to(z) - mean).square().sum(-1) / self.sigma**2
        return -square / 2 - self.x.shape[1] * math.log(self.sigma * math.sqrt(2 * math.pi))

    def truth(self) -> Tensor:
        covariance = self.weight @ self.weight.T + self.sigma**2 * torch.eye(len(self.bias)).double()
        return log_normal(self.x, self.bias, covariance)

    def posterior_moments(self) -> tuple[Tensor, Tensor]:
        """Means [points, z_dim], and the Cholesky factor of (I + Wᵀ W / σ²)⁻¹, which all points share."""
        precision = torch.eye(self.z.shape[1]).double() + self.weight.T @ self.weight / self.sigma**2
        mean = (self.x - self.bias) @ self.weight / self.sigma**2 @ precision.inverse()
        return mean, torch.linalg.cholesky(precision.inverse())

    def posterior(self, chains: int, generator: torch.Generator) -> Tensor:
        """Samples of it, [chains, points, z_dim]."""
        mean, factor = self.posterior_moments()
        return mean + torch.randn(chains, *mean.shape, generator=generator, dtype=torch.float64) @ factor.T


MODEL = LinearGaussian.draw(x_dim=8, z_dim=3, sigma=0.3, points=64)
CHAINS = 16


def forwards(temperatures: int, seed: int = 1) -> Annealed:
    return ais(MODEL.log_likelihood, 64, 3, CHAINS, temperatures, seeded(seed))


def backwards(forward: Annealed, seed: int = 2) -> Annealed:
    """From the code that made each point, which its chains share."""
    start = MODEL.z.float().expand(CHAINS, 64, 3)
    return reverse_ais(MODEL.log_likelihood, start, forward.steps, seeded(seed))


@pytest.fixture(scope="module")
def forward() -> Annealed:
    return forwards(400)


@pytest.fixture(scope="module")
def backward(forward: Annealed) -> Annealed:
    return backwards(forward)


def test_ais_is_within_a_tenth_of_a_nat_of_a_linear_gaussian_model(forward: Annealed) -> None:
    assert abs((forward.log_likelihood - MODEL.truth()).mean().item()) < 0.1


def test_bounds_enclose_the_truth_and_lie_close(forward: Annealed, backward: Annealed) -> None:
    # Of single chains: log w has a standard deviation s near 0.9 and so a bias near s²/2 = 0.4, of a standard error
    # below 0.1: no allowance is needed.
    truth = MODEL.truth()
    assert forward.log_weights.mean() < truth.mean() < backward.log_weights.mean()
    # Of all 16 chains the bias is near s²/32 = 0.03; the mean of 64 points is granted four standard errors.
    below, above = forward.log_likelihood - truth, backward.log_likelihood - truth
    assert below.mean() < 4 * below.std() / 8
    assert above.mean() > -4 * above.std() / 8
    assert abs((above - below).mean().item()) < 0.2


def test_bounds_are_those_of_their_weights(forward: Annealed, backward: Annealed) -> None:
    # The arithmetic mean of w, and the harmonic one.
    assert torch.allclose(forward.log_likelihood, forward.log_weights.exp().mean(0).log())
    assert torch.allclose(backward.log_likelihood, -(-backward.log_weights).exp().mean(0).log())


def test_weights_are_unbiased_when_step_sizes_adapt() -> None:
    # E[w] = p(x) and, backwards, E[1/w] = 1/p(x), however short the chain; 16,384 chains, 4 standard errors of 0.0035.
    # Step sizes that adapt to the acceptance of their own chain give 1.02 to 1.03 p(x) here, 6 to 9 of them off.
    model = LinearGaussian.draw(x_dim=2, z_dim=2, sigma=0.5, points=64)
    found = ais(model.log_likelihood, 64, 2, 256, 200, seeded(3), leapfrog=3, step=0.5)
    back = reverse_ais(
        model.log_likelihood, model.posterior(256, seeded(4)), found.steps, seeded(5), leapfrog=3
    )
    for ratio in (found.log_weights - model.truth()).exp(), (model.truth() - back.log_weights).exp():
        assert ratio.mean().item() == pytest.approx(1, abs=4 * ratio.std().item() / 128)
        assert ratio.std() / 128 < 0.006


def test_bounds_tighten_with_temperatures() -> None:
    truth, below, above = MODEL.truth().mean(), [], []
    for temperatures in 5, 20, 80:
        forward = forwards(temperatures)
        below.append(forward.log_likelihood.mean() - truth)
        above.append(backwards(forward).log_likelihood.mean() - truth)
    assert below[0] < below[1] < below[2] < 0.1
    assert above[0] > above[1] > above[2] > -0.1


def test_ais_of_a_bimodal_posterior_agrees_with_quadrature() -> None:
    # x = z² + 0.3 ε at x = 2: z is near √2 or −√2, with a wall of exp(−2² / 0.18) = 2·10⁻¹⁰ between.
    def log_likelihood(z: Tensor) -> Tensor:
        return -((2 - z.squeeze(-1).square()) ** 2) / 0.18 - math.log(0.3 * math.sqrt(2 * math.pi))

    z = torch.linspace(-8, 8, 100_001, dtype=torch.float64).unsqueeze(-1)
    log_prior = -z.squeeze(-1).square() / 2 - 0.5 * math.log(2 * math.pi)
    truth = torch.logsumexp(log_likelihood(z) + log_prior, 0) + math.log(16 / 100_000)
    found = ais(log_likelihood, 1, 1, 512, 100, seeded(6))
    # Standard error: that of the mean of 512 weights.
    error = (found.log_weights - truth).exp().std().item() / math.sqrt(512)
    assert error < 0.05
    assert found.log_likelihood.item() == pytest.approx(truth.item(), abs=4 * error)
    # Half of the chains in each mode: standard deviation ½ / √512 = 0.022.
    assert (found.samples > 0).double().mean().item() == pytest.approx(0.5, abs=0.1)


def test_ais_is_exact_when_the_likelihood_ignores_the_code() -> None:
    # Every weight is e^(Σ_t (β_t − β_{t−1}) c) = e^c, and the samples are of the prior.
    c = torch.tensor([-1.5, 0.0, 700.0, -9000.0], dtype=torch.float64)
    forward = ais(lambda z: c + 0 * z.sum(-1), 4, 2, 500, 20, seeded(7))
    backward = reverse_ais(lambda z: c + 0 * z.sum(-1), forward.samples, forward.steps, seeded(8))
    for found in forward, backward:
        assert torch.allclose(found.log_likelihood, c, rtol=1e-12, atol=1e-12)
        assert torch.allclose(found.log_weights, c.expand(500, 4), rtol=1e-12, atol=1e-12)
        # 4,000 numbers: standard errors 1/√4000 = 0.016 and √(2/4000) = 0.022.
        assert found.samples.mean().item() == pytest.approx(0, abs=0.064)
        assert found.samples.var().item() == pytest.approx(1, abs=0.09)


def test_samples_are_of_the_posterior(forward: Annealed) -> None:
    # Standardised by the posterior's mean and Cholesky factor they are 64·16·3 = 3,072 standard-normal numbers:
    # standard errors 1/√3072 = 0.018 and √(2/3072) = 0.026.
    mean, factor = MODEL.posterior_moments()
    standard = torch.linalg.solve_triangular(factor, (forward.samples - mean).flatten(0, 1).mT, upper=False)
    assert standard.mean().item() == pytest.approx(0, abs=0.072)
    assert standard.var().item() == pytest.approx(1, abs=0.104)


def test_acceptance_comes_near_its_target(forward: Annealed) -> None:
    # Somewhat above it, as the step size has first to grow from 0.1.
    assert forward.acceptance.item() == pytest.approx(0.65, abs=0.05)
    cautious = ais(MODEL.log_likelihood, 64, 3, CHAINS, 100, seeded(9), accept=0.9)
    assert cautious.acceptance.item() == pytest.approx(0.9, abs=0.06)


def test_ais_recovers_from_a_first_step_size_that_diverges() -> None:
    # Every proposal is rejected until the step size is near 1: log 50 = 3.9, at 0.05 · 0.65 a transition 120 of them.
    found = ais(MODEL.log_likelihood, 64, 3, 2, 220, seeded(10), leapfrog=5, step=50.0)
    assert found.log_weights.isfinite().all()
    assert found.samples.isfinite().all()
    assert found.steps[0].tolist() == pytest.approx([50.0] * 64)
    assert found.steps[1].tolist() == pytest.approx([50 * math.exp(-0.0325)] * 64)
    assert (found.steps[-1] < 1).all()


def test_ais_rejects_proposals_without_a_density() -> None:
    # log p(x|z) is nan beyond |z| = 6: as if it were −inf there. P(|z| > 6) = 2·10⁻⁹ at the start.
    found = ais(
        lambda z: torch.where(z.abs() > 6, math.nan, 0 * z).sum(-1), 8, 1, 8, 50, seeded(11), step=5.0
    )
    assert (found.log_likelihood == 0).all()
    assert (found.samples.abs() <= 6).all()


def test_ais_gives_the_same_bits_for_the_same_seed() -> None:
    a, b, other = forwards(5), forwards(5), forwards(5, seed=2)
    for name in "log_weights", "log_likelihood", "acceptance", "steps", "samples":
        assert torch.equal(getattr(a, name), getattr(b, name))
    assert not torch.equal(a.log_weights, other.log_weights)
    assert torch.equal(backwards(a).log_weights, backwards(b).log_weights)


def test_ais_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    backwards(forwards(2))
    assert torch.equal(before, torch.get_rng_state())


def test_ais_gives_the_same_bits_under_inference_mode() -> None:
    with torch.inference_mode():
        forward = forwards(5)
        backward = backwards(forward)
    assert torch.equal(forward.log_weights, forwards(5).log_weights)
    assert torch.equal(backward.log_weights, backwards(forward).log_weights)


def test_ais_leaves_the_model_without_gradients() -> None:
    decoder = torch.nn.Linear(2, 1)
    found = ais(lambda z: -decoder(z).squeeze(-1).square(), 3, 2, 2, 2, seeded(12))
    assert not found.log_weights.requires_grad
    assert decoder.weight.grad is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ais_works_in_the_precision_asked_for_and_adds_up_in_double(dtype: torch.dtype) -> None:
    found = ais(MODEL.log_likelihood, 64, 3, 2, 2, seeded(13), dtype=dtype)
    assert found.samples.dtype == dtype
    assert {found.log_weights.dtype, found.log_likelihood.dtype, found.steps.dtype} == {torch.float64}
    assert (found.log_weights.shape, found.steps.shape, found.samples.shape) == ((2, 64), (2, 64), (2, 64, 3))


def test_sigmoid_schedule_by_hand() -> None:
    # T = 4: β_1 = ½ − tanh(1) / (2 tanh 2) = 0.5 − 0.761594 / 1.928055 = 0.104994, and β_3 = 1 − β_1.
    assert sigmoid_schedule(4) == pytest.approx([0, 0.104994, 0.5, 0.895006, 1], abs=1e-6)
    for temperatures in 1, 2, 7, 1000:
        betas = sigmoid_schedule(temperatures)
        assert (len(betas), betas[0], betas[-1]) == (temperatures + 1, 0, 1)
        assert betas == sorted(set(betas))


def test_importance_log_likelihood_is_the_log_of_the_mean_weight() -> None:
    # Weights 1 and 3: log 2. e^−2000 and e^−2000 · 3 as well, without underflow.
    log_weights = torch.tensor([[0.0, -2000.0], [math.log(3), -2000.0 + math.log(3)]])
    found = importance_log_likelihood(log_weights)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([math.log(2), -2000 + math.log(2)], abs=1e-4)


@pytest.mark.parametrize("k", [1, 2, 100])
def test_importance_log_likelihood_is_exact_with_the_posterior_as_proposal(k: int) -> None:
    # log p(x, z) − log p(z|x) = log p(x), whatever z.
    mean, factor = MODEL.posterior_moments()
    z = MODEL.posterior(k, seeded(14))
    prior = log_normal(z, torch.zeros(3), torch.eye(3).double())
    proposal = log_normal(z, mean, factor @ factor.T)
    found = importance_log_likelihood(MODEL.log_likelihood(z) + prior - proposal)
    assert torch.allclose(found, MODEL.truth(), atol=1e-10)


GOOD: dict[str, object] = {"points": 2, "z_dim": 1, "chains": 2, "temperatures": 2}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"points": 0}, "points must be >= 1, got 0"),
        ({"z_dim": 0}, "z_dim must be >= 1, got 0"),
        ({"chains": -1}, "chains must be >= 1, got -1"),
        ({"temperatures": 0}, "temperatures must be >= 1, got 0"),
        ({"leapfrog": 0}, "leapfrog must be >= 1, got 0"),
        ({"step": 0.0}, "step must be finite and > 0, got 0.0"),
        ({"step": math.nan}, "step must be finite and > 0, got nan"),
        ({"accept": 1.0}, "accept must lie between 0 and 1, got 1.0"),
        ({"log_likelihood": lambda z: z}, r"must give \[chains, points\] = \[4, 2\], got \[4, 2, 1\]"),
        ({"log_likelihood": lambda z: z.detach().sum(-1)}, "must be differentiable in z"),
    ],
)
def test_ais_refuses_arguments_out_of_range(bad: dict[str, object], message: str) -> None:
    arguments = {"log_likelihood": lambda z: z.sum(-1), "generator": seeded(0)} | GOOD | bad
    with pytest.raises(ValueError, match=message):
        ais(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "steps", "message"),
    [
        (torch.zeros(2, 3), torch.ones(5, 2), r"start must be floats .*, got torch.float32 \[2, 3\]"),
        (torch.zeros(1, 2, 3).long(), torch.ones(5, 2), "start must be floats .*, got torch.int64"),
        (torch.zeros(0, 2, 3), torch.ones(5, 2), r"start must be floats .* \[0, 2, 3\]"),
        (torch.zeros(1, 2, 3), torch.ones(5, 3), r"with 2 points, got \[5, 3\]"),
        (torch.zeros(1, 2, 3), torch.ones(5), r"with 2 points, got \[5\]"),
        (torch.zeros(1, 2, 3), torch.ones(0, 2), "temperatures must be >= 1, got 0"),
        (torch.zeros(1, 2, 3), torch.zeros(5, 2), "steps must be finite and > 0, got 0.0 to 0.0"),
    ],
)
def test_reverse_ais_refuses_arguments_out_of_range(start: Tensor, steps: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reverse_ais(lambda z: z.sum(-1), start, steps, seeded(0))


@pytest.mark.parametrize("shape", [(3,), (0, 3), (1, 2, 3)])
def test_importance_log_likelihood_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"log weights must be \[k, points\] with k >= 1"):
        importance_log_likelihood(torch.zeros(shape))
