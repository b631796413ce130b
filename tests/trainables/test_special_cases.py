"""Systems at special values of their hyper-parameters: they are each other, or have numbers that are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.trainables.factory import run
from tests.trainables.test_conformance import batch_on, linear_gaussian
from tests.trainables.test_systems import LAMBDA, assert_alike, batch_of, gradients
from trainables import datasets, objectives
from trainables.engine.cohort import Cohort
from trainables.engine.evaluation import Evaluation
from trainables.models import densities
from trainables.models.batch import Batch
from trainables.objectives.gmmn import SCALES, squared_mmd
from trainables.objectives.iwae import IWAE
from trainables.objectives.pm import unpredictability

# sVAE-r with explicit Gaussians


def test_explicit_svae_r_with_lambda_zero_is_svae_of_explicit_gaussians(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    explicit, svae = objectives.find("svae_r_explicit"), objectives.find("svae")
    ours = gradients(explicit, "autoencoder", torch.tensor(0.0))
    monkeypatch.setattr(type(svae), "form", explicit.form)
    assert_alike(ours, gradients(svae, "autoencoder"), ["encoder", "decoder"])


def test_explicit_svae_r_of_unit_variance_is_svae_r_but_for_constants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    explicit, svae_r = objectives.find("svae_r_explicit"), objectives.find("svae_r")
    monkeypatch.setattr(type(svae_r), "form", explicit.form)
    batches = [batch_of(explicit), batch_of(svae_r)]
    for batch in batches:
        nets = batch.networks
        batch.networks = {**nets, **{name: lambda v, net=nets[name]: torch.cat([net(v)[:, :2], torch.zeros_like(v)], -1)
                                     for name in ("encoder", "decoder")}}  # fmt: skip
        batch.noise["epsilon_again"] = torch.zeros(64, 2)  # R_z is the error of a sample
    ours, theirs = (
        objective.autoencoder(batch, LAMBDA)
        for objective, batch in zip((explicit, svae_r), batches, strict=True)
    )
    constants = LAMBDA * 2 * math.log(2 * math.pi)  # −log N(0; 0, I) of x and of z, both in the plane
    torch.testing.assert_close(ours, theirs + constants)


# Minimax


@pytest.mark.parametrize("name", ["ali_minimax", "gan_minimax"])
def test_minimax_is_a_game_of_sum_zero(name: str) -> None:
    objective = objectives.find(name)
    players = gradients(objective, "autoencoder")
    batch = batch_of(objective)
    flats = {player: batch.networks[player].flat for player in players}  # type: ignore[attr-defined]
    lost = torch.autograd.grad(-objective.critic(batch, LAMBDA), list(flats.values()))
    assert_alike(players, dict(zip(flats, lost, strict=True)), list(players))


@pytest.mark.parametrize("name", ["ali", "gan"])
def test_minimax_has_the_same_gradient_where_the_critic_cannot_tell(name: str) -> None:
    found = []
    for one in (name, f"{name}_minimax"):
        objective = objectives.find(one)
        batch = batch_of(objective)
        score, trained = batch.networks["critic"], objective.form.players["autoencoder"]

        def zero(*inputs: Tensor, score: torch.nn.Module = score) -> Tensor:  # type: ignore[assignment]
            return score(*inputs) - score(*inputs).detach()

        flats = [batch.networks[player].flat for player in trained]  # type: ignore[attr-defined]
        batch.networks = {**batch.networks, "critic": zero}
        loss = objective.autoencoder(batch, LAMBDA)
        found.append(dict(zip(trained, torch.autograd.grad(loss, flats), strict=True)))
    assert_alike(*found, list(found[0]))


def test_minimax_teaches_nothing_where_the_critic_is_sure() -> None:
    for name, slope in (("gan_minimax", 0.0), ("gan", 1.0)):
        scores = torch.full((4,), 30.0, requires_grad=True)
        batch = batch_of(objectives.find(name))
        batch.f_p = scores
        objectives.find(name).autoencoder(batch, LAMBDA).backward()  # type: ignore[no-untyped-call]
        assert scores.grad is not None
        torch.testing.assert_close(scores.grad, torch.full((4,), slope / 4))


# IWAE


def test_log_sum_exp_is_that_of_torch() -> None:
    values = 100 * torch.randn(16, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(densities.log_sum_exp(values), torch.logsumexp(values, -1))
    torch.testing.assert_close(densities.log_sum_exp(values[:, :1]), values[:, 0])


def test_iwae_of_one_code_is_a_vae_to_rounding() -> None:
    # ± √2 e_i have the mean and the covariance of N(0, I): over them the sampled divergence is the one in closed form
    epsilon = math.sqrt(2) * torch.cat([torch.eye(2), -torch.eye(2)]).repeat(16, 1)
    found = []
    for objective in (IWAE(k=1), objectives.find("vae")):
        batch = batch_of(objective)
        batch.x, batch.noise["epsilon"] = batch.x[:16].repeat_interleave(4, 0), epsilon
        flats = {name: batch.networks[name].flat for name in ("encoder", "decoder")}  # type: ignore[attr-defined]
        loss = objective.autoencoder(batch, LAMBDA)
        found.append(
            {
                **dict(zip(flats, torch.autograd.grad(loss, list(flats.values())), strict=True)),
                "loss": loss.detach(),
            }
        )
    assert_alike(*found, ["encoder", "decoder", "loss"])


@pytest.mark.parametrize("k", [1, 5])
def test_iwae_is_exact_where_the_encoder_is_the_posterior(k: int) -> None:
    # p(x|z) = N(z, I): posterior N(x/2, I/2), p(x) = N(0, 2 I); every weight is p(x)
    objective = IWAE(k=k)
    batch = model_of_means(objective, 0.5)
    epsilon = torch.randn(len(batch.x), 2 * k, generator=torch.Generator().manual_seed(1))
    expected = densities.log_prior(batch.x / math.sqrt(2)) - math.log(2)
    torch.testing.assert_close(objective.bound(batch, batch.x, epsilon), expected)


def test_the_bound_of_iwae_rises_with_its_codes_to_the_likelihood() -> None:
    draw, bounds = torch.Generator().manual_seed(1), []
    for k in (1, 5, 50):
        objective = IWAE(k=k)
        batch = model_of_means(objective, 0.8)  # too wide by 0.8 : 0.5
        epsilon = torch.randn(len(batch.x), 2 * k, generator=draw)
        bounds.append(objective.bound(batch, batch.x, epsilon).mean().item())
    exact = (densities.log_prior(batch.x / math.sqrt(2)) - math.log(2)).mean().item()
    # KL(N(0, 0.8) ‖ N(0, 0.5)) in two dimensions: 1.6 − 1 − log 1.6 = 0.13
    assert bounds[0] == pytest.approx(exact - (0.6 - math.log(1.6)), abs=0.02)
    assert bounds[0] + 0.05 < bounds[1] < bounds[2] < exact + 0.01
    assert bounds[2] == pytest.approx(exact, abs=0.01)


def test_the_bound_of_iwae_is_evaluated_at_codes_of_their_own() -> None:
    # Untrained networks, the same of each k: codes that were one and the same would give the bound of one
    found = []
    for k in (1, 50):
        cohort = Cohort([run(f"iwae:k={k}")], torch.device("cpu"), native=False)
        found.append(Evaluation(cohort, ["elbo"])(cohort)[0]["elbo"].item())
    assert found[0] + 0.1 < found[1]


def model_of_means(objective: IWAE, variance: float) -> Batch:
    """p(x|z) = N(z, I), q(z|x) = N(x/2, variance I)."""
    batch = linear_gaussian("vae", torch.tensor(1.0))
    batch.networks = {
        **batch.networks,
        "encoder": lambda x: torch.cat([x / 2, torch.full_like(x, math.log(variance))], -1),
    }
    return batch


# VAE/GAN


def test_vae_gan_is_a_vae_plus_lambda_times_a_gan() -> None:
    objective = objectives.find("vae_gan")
    losses = [objective.autoencoder(batch_of(objective), torch.tensor(lam)) for lam in (0.0, 0.7)]
    torch.testing.assert_close(losses[0], objectives.find("vae").autoencoder(batch_of(objective), LAMBDA))
    torch.testing.assert_close(
        losses[1] - losses[0], 0.7 * objectives.find("gan").autoencoder(batch_of(objective), LAMBDA)
    )


# GMMN


def test_mean_discrepancy_of_one_point_and_another_is_known_by_hand() -> None:
    x, y = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    # The σ² are 2 (0.4 s)² in the plane, ‖x − y‖² = 25: 5 + 5 − 2 Σ_s exp(−25 / (4 · 0.16 s²))
    expected = 10 - 2 * sum(math.exp(-25 / (0.64 * scale**2)) for scale in SCALES)
    assert squared_mmd(x, y, 0.4).item() == pytest.approx(expected, abs=1e-5)
    assert squared_mmd(x, x, 0.4).item() == pytest.approx(0.0, abs=1e-6)


def test_mean_discrepancy_of_gaussians_is_the_integral() -> None:
    # E exp(−‖a − b‖² / 2σ²) over a − b ~ N(m, v I) in the plane is σ² / (σ² + v) · exp(−‖m‖² / 2(σ² + v))
    quantiles = torch.special.ndtri((torch.arange(48) + 0.5) / 48)
    x = torch.cartesian_prod(quantiles, quantiles)
    y = 0.5 * x + torch.tensor([1.0, 0.0])

    def expected(mean: float, variance: float) -> float:
        squares = [2 * (0.4 * scale) ** 2 for scale in SCALES]
        return sum(s / (s + variance) * math.exp(-(mean**2) / (2 * (s + variance))) for s in squares)

    exact = expected(0.0, 2.0) + expected(0.0, 0.5) - 2 * expected(1.0, 1.25)
    assert squared_mmd(x, y, 0.4).item() == pytest.approx(exact, abs=0.02)
    assert exact > 0.7


def test_gmmn_is_the_root_of_what_is_left_between_data_and_points() -> None:
    objective = objectives.find("gmmn")
    batch = batch_of(objective)
    expected = squared_mmd(batch.x, batch.x_p, 0.4).sqrt()
    torch.testing.assert_close(objective.autoencoder(batch, LAMBDA), expected)
    batch.x_p = batch.x + torch.zeros_like(batch.x, requires_grad=True)
    loss = objective.autoencoder(batch, LAMBDA)
    slope = torch.autograd.grad(loss, batch.x_p)[0]
    assert loss.item() < 2e-3
    assert slope.abs().max().item() < 1e-2  # and no NaN


# Predictability minimisation


def coded(z: Tensor, predictor: object) -> Batch:
    """A batch whose codes are these, and whose predictor is a function."""
    objective, data = objectives.find("pm"), datasets.find("mixture5")
    batch = batch_on(data, objective, data.train[: len(z)])
    batch.networks = {**batch.networks, "encoder": lambda x: z, "predictor": predictor}  # type: ignore[dict-item]
    return batch


def test_a_predictor_does_not_see_the_unit_that_it_predicts() -> None:
    z = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    batch = coded(z, lambda c: c)  # repeats what it sees: 0 in the place of the unit
    torch.testing.assert_close(unpredictability(batch), torch.sigmoid(z).square().sum(-1).mean())
    swapped = coded(torch.cat([z[:, :1], z[:, :1]], -1), lambda c: c.flip(-1))
    assert unpredictability(swapped).item() == 0.0  # two units that are the same


def test_the_best_predictor_of_independent_units_is_their_mean_and_its_error_their_variance() -> None:
    # A grid of two units is independent to rounding
    values = torch.linspace(-2, 2, 8)
    z = torch.cartesian_prod(values, values)
    c = torch.sigmoid(z)
    change = torch.zeros(3, requires_grad=True)

    def best(seen: Tensor) -> Tensor:
        others = seen.sum(-1, keepdim=True)  # the one that is not 0
        return c.mean(0) + change[0] + change[1] * (others - c.mean()) + change[2] * others.square()

    batch = coded(z, best)
    loss = objectives.find("pm").critic(batch, LAMBDA)
    assert loss.item() == pytest.approx(c.var(0, unbiased=False).sum().item(), abs=1e-6)
    assert torch.autograd.grad(loss, change)[0].abs().max().item() < 1e-6


def test_the_encoder_gains_what_the_predictor_loses() -> None:
    objective = objectives.find("pm")
    batch = batch_of(objective)
    total = objective.critic(batch, LAMBDA) + objective.autoencoder(batch, LAMBDA)
    torch.testing.assert_close(total, LAMBDA * batch.R_x)
