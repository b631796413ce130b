"""Conformance: what every objective that is found must do, and how the papers say that they are related."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables.factory import rows_of, run, train
from trainables import datasets, objectives
from trainables.engine import assemble
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.native import build
from trainables.engine.training import Training
from trainables.models.batch import Batch, Model
from trainables.models.spec import CRITIC, Form
from trainables.networks.mlp import Critic
from trainables.objectives.base import Objective
from trainables.randomness.streams import stream

ALL = sorted(objectives.available())
VARIANTS = [
    "aavae:temperature=3",
    "avb:critic_steps=1",
    "avb_inner:features=8",
    "gmmn:bandwidth=1",
    "iwae:k=1",
    "iwgan:k=16",
    "vae_flow:length=2",
    "wgan:critic_steps=1,clip=0.1",
]
CPU = torch.device("cpu")
LAMBDA = torch.tensor(0.7)


def members(name: str, budget: int = 40) -> list:
    """Three runs of one system that differ in everything that may differ in a cohort."""
    return [
        run(name, 0.1, 0, budget),
        run(name, 1.0, 1, budget, learning_rate=3e-4, beta1=0.9, critic_dropout=0.2, weight_decay=10.0),
        run(name, 0.0, 2, budget, learning_rate=2e-3, beta1=0.0),
    ]


@pytest.mark.parametrize("name", ALL)
def test_a_system_trains_to_finite_losses_and_the_metrics_it_has_alone_as_in_a_cohort(name: str) -> None:
    form = objectives.find(name).form
    runs = members(name, 20 if form.twice else 40)
    together, weights = train(runs)
    for result in together.values():
        assert result.metrics is not None
        assert ("mse_x" in result.metrics) == ("encoder" in form.networks)
        generated = {"inception_score", "modes_covered", "on_mode_share"}
        assert (generated <= result.metrics.keys()) == ("decoder" in form.networks)
        for player in form.players:
            assert all(math.isfinite(point[f"{player}_loss"] or math.nan) for point in result.curve)
    single = runs[1]  # the one with dropout
    alone, own = train([single])
    assert alone[single.key].metrics == together[single.key].metrics
    assert alone[single.key].curve == together[single.key].curve
    for network, flat in own[single.key].items():
        assert torch.equal(flat, weights[single.key][network])


@pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
@pytest.mark.parametrize(
    "name",
    [name for name in (*ALL, *VARIANTS) if not objectives.find(name).form.twice],
)
def test_a_system_is_lowered_to_the_gradients_it_has_on_torch(name: str) -> None:
    torch.set_flush_denormal(True)
    # A planar layer divides by ‖w‖²: where w is small, float32 knows its gradient to 2e-4, torch's as ours.
    bent = any(net.flow for net in objectives.find(name).form.networks.values())
    for player, trained in objectives.find(name).form.players.items():
        found = []
        for kernels in (True, False):
            cohort = Cohort(members(name), CPU, kernels)
            assert cohort.native == kernels
            with torch.inference_mode():
                losses = cohort.train(Block(cohort.runs, 1, CPU), [(player, 0)])
            found.append((losses, {net: cohort.optimisers[net].state["first"] for net in trained}))
        (losses, ours), (expected, theirs) = found
        torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-5)
        for network, moment in ours.items():  # (1 − β1) times the gradient
            assert theirs[network].abs().max() > 0
            torch.testing.assert_close(moment, theirs[network], rtol=1e-3, atol=2e-4 if bent else 1e-5)


KINDS = [
    [name for name in ALL if objectives.find(name).kind == kind]
    for kind in sorted({objectives.find(name).kind for name in ALL})
]


@pytest.mark.parametrize("names", [names for names in KINDS if len(names) > 1], ids=", ".join)
def test_systems_that_share_a_cohort_have_losses_and_bounds_of_their_own(names: list[str]) -> None:
    runs = [run(name, 0.1, 0, 20) for name in names]
    together, _ = train(runs)
    for one in runs:
        assert train([one])[0][one.key].metrics == together[one.key].metrics
    if objectives.find(names[0]).form.twice:
        return
    for player in objectives.find(
        names[0]
    ).form.players:  # on torch's operations, too, each member has its own
        losses = []
        for kernels in (True, False):
            cohort = Cohort(runs, CPU, kernels)
            with torch.inference_mode():
                losses.append(cohort.train(Block(cohort.runs, 1, CPU), [(player, 0)]))
        torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-5)


def test_systems_of_another_form_do_not_share_a_cohort() -> None:
    with pytest.raises(ValueError, match="must have the same networks and players, got gan, vae"):
        Cohort([run("gan"), run("vae")], CPU)
    assert len(Cohort([run("gan"), run("symmetric_gan"), run("iwgan")], CPU)) == 3


# How they are related


def batch_of(objective: Objective, seed: int = 0) -> Batch:
    """A batch of 64 points of ONE model with random networks, the same ones for networks of one name and shape."""
    form, one = objective.form, run(objective.name)
    nets = {name: built.net for name, built in assemble.build(one.configuration, form, one.dataset).items()}
    for name, net in nets.items():
        net.xavier_(stream("related", name))
        net.requires_grad_(True)
    noise = torch.from_numpy(
        stream(f"related {seed}").standard_normal(
            (64, sum(form.dims(one.dataset).values())), dtype=np.float32
        )
    )
    return Batch(nets, form, one.dataset, rows_of(one.dataset, 64), noise)


def gradients(objective: Objective, player: str, lam: Tensor = LAMBDA, seed: int = 0) -> dict[str, Tensor]:
    """Gradient of each of the player's networks."""
    batch = batch_of(objective, seed)
    own = {name: batch.networks[name].flat for name in objective.form.players[player]}  # type: ignore[attr-defined]
    loss = getattr(objective, player)(batch, lam)
    return dict(zip(own, torch.autograd.grad(loss, list(own.values())), strict=True))


def assert_alike(ours: dict[str, Tensor], theirs: dict[str, Tensor], names: list[str]) -> None:
    for name in names:
        assert ours[name].abs().max() > 0
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("general", "special", "names"),
    [
        ("svae_r", "svae", ["encoder", "decoder"]),
        ("alice", "ali", ["encoder", "decoder"]),
        ("alice_x", "ali", ["encoder", "decoder"]),
        ("alice_cycle", "ali", ["encoder", "decoder"]),
        ("infogan", "gan", ["decoder"]),
        ("vae_gan", "vae", ["encoder", "decoder"]),
    ],
)
def test_weight_zero_is_the_special_case(general: str, special: str, names: list[str]) -> None:
    zero = torch.tensor(0.0)
    ours = gradients(objectives.find(general), "autoencoder", zero)
    assert_alike(ours, gradients(objectives.find(special), "autoencoder", zero), names)


@pytest.mark.parametrize("player", ["critic", "autoencoder"])
def test_as_vae_is_the_sum_of_its_halves(player: str) -> None:
    losses = {name: getattr(objectives.find(name), player)(batch_of(objectives.find(name)), LAMBDA)
              for name in ("as_vae", "as_vae_r", "as_vae_g")}  # fmt: skip
    torch.testing.assert_close(losses["as_vae"], losses["as_vae_r"] + losses["as_vae_g"])


def test_an_aae_before_the_squashing_is_avb_whose_critic_sees_z_alone() -> None:
    ratio, avb, aae = (objectives.find(name) for name in ("aae_log_ratio", "avb", "aae"))
    ours, theirs, squashed = (batch_of(one) for one in (ratio, avb, aae))
    score = ours.networks["critic"]
    theirs.networks = {**theirs.networks, "critic": lambda x, z, dropout: score(z, dropout)}
    for player in ("critic", "autoencoder"):
        torch.testing.assert_close(getattr(ratio, player)(ours, LAMBDA), getattr(avb, player)(theirs, LAMBDA))
    squashed.networks = {**squashed.networks, "critic": lambda z, dropout: -score(z, dropout)}  # f = −T
    torch.testing.assert_close(ratio.critic(ours, LAMBDA), aae.critic(squashed, LAMBDA))
    # The encoder's terms, T against s(T), agree where s is linear: to e^−T / 2 for T far above 0
    high = torch.full((64,), 20.0)
    torch.testing.assert_close(torch.nn.functional.softplus(high).mean(), high.mean())


def test_avb_of_three_critics_is_avb_where_those_of_x_and_of_z_alone_are_zero() -> None:
    three, avb = objectives.find("avb_sum"), objectives.find("avb")
    ours, theirs = batch_of(three), batch_of(avb)
    zero = lambda *inputs: torch.zeros(len(inputs[0]))  # noqa: E731
    whole = three.score(ours, "q", ours.x, ours.z)  # type: ignore[attr-defined]
    alone = ours.networks["critic_x"](ours.x, None) + ours.networks["critic_z"](ours.z, None)
    torch.testing.assert_close(whole, alone + ours.networks["critic"](ours.x, ours.z, None))
    ours.networks = {**ours.networks, "critic_x": zero, "critic_z": zero}
    for player in ("critic", "autoencoder"):
        torch.testing.assert_close(getattr(three, player)(ours, LAMBDA), getattr(avb, player)(theirs, LAMBDA))


def test_the_f_gan_critic_of_avb_is_the_dual_of_the_divergence() -> None:
    dual, avb = objectives.find("avb_f_gan"), objectives.find("avb")
    ours, theirs = batch_of(dual), batch_of(avb)
    # q(z|x) = N(0.5, 0.8² I): KL to N(0, I) is 0.5 (0.8² + 0.5² − 1) − log 0.8 a dimension, and T* = 1 + log-ratio
    ratio = lambda x, z, dropout: log_normal(z, 0.5, 0.8) - log_normal(z, 0.0, 1.0)  # noqa: E731
    noise = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    ours.z_q, ours.z = 0.5 + 0.8 * noise, noise
    divergence = ratio(None, ours.z_q, None).mean()
    mass = ratio(None, noise, None).exp().mean()  # 1 but for the draw
    for shift in (0.0, 0.5):  # sup over T: any other constant gives less
        ours.networks = {**ours.networks, "critic": lambda x, z, d, s=shift: 1 + s + ratio(x, z, d)}
        expected = math.exp(shift) * mass - 1 - shift - divergence
        torch.testing.assert_close(dual.critic(ours, LAMBDA), expected)
    ours, theirs = (
        batch_of(dual),
        batch_of(avb),
    )  # encoder and decoder see a constant more, and no gradient of it
    torch.testing.assert_close(dual.autoencoder(ours, LAMBDA), avb.autoencoder(theirs, LAMBDA) - 1)
    assert_alike(gradients(dual, "autoencoder"), gradients(avb, "autoencoder"), ["encoder", "decoder"])


def test_aavae_with_a_perfect_discriminator_is_a_vae() -> None:
    aavae, vae = objectives.find("aavae"), objectives.find("vae")
    ours, theirs = batch_of(aavae), batch_of(vae)
    # D(x) = 1 on data, 0 on what was generated: f = −∞ and ∞
    ours.networks = {
        **ours.networks,
        "critic": lambda x, dropout: torch.where((x == ours.x).all(-1), -1e9, 1e9).to(x.dtype),
    }
    torch.testing.assert_close(aavae.autoencoder(ours, LAMBDA), vae.autoencoder(theirs, LAMBDA))


def test_iwgan_of_one_sample_is_a_gan_and_of_more_weighs_by_deception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    iwgan, gan = objectives.find("iwgan"), objectives.find("gan")
    monkeypatch.setattr(type(iwgan), "k", 1)
    assert_alike(gradients(iwgan, "autoencoder"), gradients(gan, "autoencoder"), ["decoder"])
    monkeypatch.setattr(type(iwgan), "k", None)
    batch = batch_of(iwgan)
    batch.f_p = torch.tensor([0.0, math.log(3.0)])
    # D / (1 − D) = 1 and 1/3: weights 3/4 and 1/4 of s(0) = log 2 and s(log 3) = log 4
    expected = 0.75 * math.log(2) + 0.25 * math.log(4)
    assert iwgan.autoencoder(batch, LAMBDA).item() == pytest.approx(expected, abs=1e-6)


def test_the_bound_of_a_vae_whose_encoder_is_the_prior_is_its_reconstruction_alone() -> None:
    batch = batch_of(objectives.find("vae"))
    encoder = lambda x: torch.zeros(len(x), 4)  # noqa: E731  mean 0, log-variance 0
    decoder = lambda z: torch.cat([z, torch.zeros(len(z), 2)], -1)  # noqa: E731  N(z, I)
    batch.networks = {"encoder": encoder, "decoder": decoder}
    # z = ε; log N(x; ε, I) = −‖x − ε‖² / 2 − log 2π
    expected = -0.5 * (batch.x - batch.noise["epsilon"]).square().sum(-1) - math.log(2 * math.pi)
    torch.testing.assert_close(batch.elbo(batch.x, batch.noise["epsilon"]), expected)


def test_wgan_keeps_its_critic_within_the_clip_and_nothing_else() -> None:
    training = Training(members("wgan", 20))
    training.advance()
    critic, decoder = (training.cohort.parameters[name] for name in ("critic", "decoder"))
    assert critic.abs().max() <= 0.01
    assert (critic.abs() == 0.01).any()
    assert decoder.abs().max() > 0.01


def test_wgan_gp_penalises_a_slope_other_than_one() -> None:
    objective, batch = objectives.find("wgan_gp"), batch_of(objectives.find("wgan_gp"))
    for slope, penalty in ((1.0, 0.0), (3.0, 10 * 2.0**2)):
        scored: Callable[..., Tensor] = lambda x, dropout, slope=slope: slope * x[:, 0]  # noqa: E731
        batch = batch_of(objective)
        batch.networks = {**batch.networks, "critic": scored}
        distance = slope * (batch.x[:, 0].mean() - batch.x_p[:, 0].mean())
        assert objective.critic(batch, LAMBDA).item() == pytest.approx(distance.item() + penalty, abs=1e-4)


# Critics against the density ratios that they estimate


def gaussian_model() -> dict[str, Callable[..., Tensor]]:
    """z|x ~ N(0.6 x, 0.8² I), x|z ~ N(0.5 z, 0.9² I): with q(x) = N(0, I) every density is Gaussian."""
    return {
        "encoder": lambda x, epsilon: 0.6 * x + 0.8 * epsilon,
        "decoder": lambda z, xi: 0.5 * z + 0.9 * xi,
    }


def log_normal(value: Tensor, mean: Tensor | float, deviation: float) -> Tensor:
    return (
        -0.5 * ((value - mean) / deviation).square() - math.log(deviation) - 0.5 * math.log(2 * math.pi)
    ).sum(-1)


def log_q(x: Tensor, z: Tensor) -> Tensor:
    return log_normal(x, 0.0, 1.0) + log_normal(z, 0.6 * x, 0.8)


def log_p(x: Tensor, z: Tensor) -> Tensor:
    return log_normal(z, 0.0, 1.0) + log_normal(x, 0.5 * z, 0.9)


P_X = math.sqrt(0.5**2 + 0.9**2)
"""Standard deviation of x under p: 1.0296; that of z under q is √(0.36 + 0.64) = 1."""

OPTIMA: dict[str, tuple[str, str, Callable[[Tensor, Tensor], Tensor]]] = {
    "eq. 11 of sVAE": ("svae", "critic", lambda x, z: log_p(x, z) - log_q(x, z)),
    "eq. 7 of AS-VAE, f1": (
        "as_vae_r", "critic_1", lambda x, z: log_q(x, z) - log_normal(x, 0.0, P_X) - log_normal(z, 0.0, 1.0),
    ),
    "eq. 7 of AS-VAE, f2": (
        "as_vae_g", "critic_2", lambda x, z: log_p(x, z) - log_normal(x, 0.0, 1.0) - log_normal(z, 0.0, 1.0),
    ),
    "eq. 3.4 of AVB": ("avb", "critic", lambda x, z: log_normal(z, 0.6 * x, 0.8) - log_normal(z, 0.0, 1.0)),
    "eq. 6.10 of AVB": (
        "avb_f_gan", "critic", lambda x, z: 1 + log_normal(z, 0.6 * x, 0.8) - log_normal(z, 0.0, 1.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "equation",
    OPTIMA,
)
def test_critics_optimum_on_known_gaussians_is_the_analytic_log_ratio(equation: str) -> None:
    name, critic, ratio = OPTIMA[equation]
    objective = objectives.find(name)
    implicit = {"encoder": objectives.find("ali").form.networks["encoder"],
                "decoder": objectives.find("ali").form.networks["decoder"]}  # fmt: skip
    form = Form({**implicit, critic: CRITIC}, {"critic": (critic,)})
    data = run().dataset
    net = Critic(4, 1, 2, 64)
    net.xavier_(stream("optimum"))
    adam = torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.999))
    generator = torch.Generator().manual_seed(5)

    def drawn(size: int) -> Batch:
        rows = torch.cat([torch.randn(size, 2, generator=generator), torch.zeros(size, data.classes)], -1)
        noise = torch.randn(size, sum(form.dims(data).values()), generator=generator)
        return Batch({**gaussian_model(), critic: net}, form, data, rows, noise)

    steps = 1500
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
        adam.zero_grad()
        objective.critic(drawn(1024), LAMBDA).backward()  # type: ignore[no-untyped-call]
        adam.step()
    with torch.no_grad():
        batch = drawn(20_000)
        pairs = ((batch.x, batch.z_q), (batch.x_p, batch.z))
        x, z = (torch.cat(side) for side in zip(*pairs, strict=True))
        errors = net(x, z) - ratio(x, z)
        spread = ratio(x, z).std()
    assert errors.square().mean().sqrt().item() < 0.1  # nat
    assert spread > 0.25


def test_model_evaluates_the_densities_it_samples() -> None:
    # A Gaussian decoder with mean 2z and variance e: log N(x; 2z, e I); Bernoulli: x log σ(l) + (1 − x) log σ(−l)
    form = objectives.find("vae").form
    model = Model({"decoder": lambda z: torch.cat([2 * z, torch.ones_like(z)], -1)}, form, run().dataset)
    x, z = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 1.0]])
    expected = -0.5 * ((1 - 1) ** 2 + (0 - 2) ** 2) / math.e - 1 - math.log(2 * math.pi)
    assert model.log_p(x, z).item() == pytest.approx(expected, abs=1e-6)
    assert model.mean_of_x(z, z).tolist() == [[1.0, 2.0]]
    torch.testing.assert_close(model.decode(z, torch.ones(1, 2)), 2 * z + math.exp(0.5))
    binary = Model({"decoder": lambda z: z}, form, datasets.find("four_images"))
    expected = math.log(1 / (1 + math.exp(-0.5))) + math.log(1 - 1 / (1 + math.exp(-1.0)))
    assert binary.log_p(x, z).item() == pytest.approx(expected, abs=1e-6)
    assert binary.mean_of_x(z, z).tolist() == torch.sigmoid(z).tolist()
    uniform = (torch.arange(1000) + 0.5) / 1000
    drawn = binary.decode(z.expand(1000, -1), torch.special.ndtri(uniform).unsqueeze(-1).expand(-1, 2))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), torch.sigmoid(z[0]), rtol=0, atol=1e-3)


def test_form_counts_what_its_networks_read_and_give() -> None:
    data, avb_ac = run().dataset, objectives.find("avb_ac").form
    assert avb_ac.size("encoder", data) == (4, 2)
    assert avb_ac.size("decoder", data) == (2, 4)  # mean and log-variance
    assert avb_ac.size("critic", data) == (4, 1)
    assert objectives.find("vae_full_rank").form.size("encoder", data) == (2, 5)  # mean and half of a matrix
    assert sum(avb_ac.dims(data).values()) == 10
    assert objectives.find("wgan").form.updates(2) == ["critic"] * 5 + ["autoencoder"] * 2
    assert avb_ac.updates(2) == ["critic", "critic", "critic", "autoencoder"] * 2
    assert replace(avb_ac).key == avb_ac.key != objectives.find("vae").form.key
