"""Conformance of each kind: what critics compare, what a weight depends on, and estimates whose exact value is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.trainables.factory import WITHOUT_FILES, rows_of, run
from tests.trainables.test_systems import ALL, LAMBDA
from trainables import datasets, objectives
from trainables.datasets.base import DataSet
from trainables.engine import assemble
from trainables.engine.training import Training
from trainables.models.batch import Batch, Model, half_square
from trainables.objectives.base import DifferentiableObjective, Objective
from trainables.objectives.cgan import weighted_within
from trainables.objectives.iwgan import weighted
from trainables.objectives.ssvae import semi_supervised
from trainables.randomness.streams import stream


def admitted(objective: str) -> list[str]:
    """The data sets that a system can be trained on."""
    return [data for data in WITHOUT_FILES if objective in objectives.trainable(data)]


def batch_on(data: DataSet, objective: Objective, rows: Tensor, seed: int = 0) -> Batch:
    """A batch of ONE model with random networks, large enough that a decoder's logits and outputs vary."""
    form = objective.form.among(data)
    nets = {name: built.net for name, built in assemble.build(run().configuration, form, data).items()}
    for name, net in nets.items():
        net.xavier_(stream("conformance", name))
        net.requires_grad_(True)
    size = (len(rows), sum(form.dims(data).values()))
    noise = torch.from_numpy(stream("conformance", seed).standard_normal(size)).float()
    return Batch({**nets, **data.known}, form, data, rows, noise)


# What a critic sees of both sides has the same support


def recorded(
    net: Callable[..., Tensor], pieces: tuple[str, ...], seen: list[Tensor]
) -> Callable[..., Tensor]:
    """The network, which notes the points x that it is given."""

    def call(*inputs: Tensor) -> Tensor:
        seen.extend(value for value, piece in zip(inputs, pieces, strict=False) if piece.split("_")[0] == "x")
        return net(*inputs)

    return call


@pytest.mark.parametrize("name", ALL)
def test_what_a_critic_sees_of_both_sides_has_the_same_support(name: str) -> None:
    objective = objectives.find(name)
    decoder = objective.form.networks.get("decoder")
    critics = {n: net.inputs for n, net in objective.form.networks.items() if net.critic}
    for data in map(datasets.find, admitted(name)):
        batch, seen = batch_on(data, objective, rows_of(data, 128)), list[Tensor]()
        watched = {n: recorded(batch.networks[n], pieces, seen) for n, pieces in critics.items()}
        batch.networks = {**batch.networks, **watched}
        for player in batch.form.players:
            getattr(objective, player)(batch, LAMBDA)
        for points in seen:
            if data.bounded and decoder and not decoder.explicit:
                assert 0 <= points.min() <= points.max() <= 1
            elif data.binary:
                assert set(points.unique().tolist()) <= {0.0, 1.0}
        assert bool(seen) == any("x" in inputs for inputs in critics.values())


@pytest.mark.slow
def test_a_critic_of_binary_data_judges_the_images_and_not_their_grey() -> None:
    # Of means instead of samples it gives D = 0.08 after 300 iterations and 0.006 after 3,000
    training = Training([replace(run("aavae", seed=s, budget=300, width=128, batch_size=128, learning_rate=3e-4), data="digits") for s in (0, 1)])  # fmt: skip
    while not training.finished:
        training.advance()
    data, objective = datasets.find("digits"), objectives.find("aavae")
    for m in (0, 1):
        batch = batch_on(data, objective, rows_of(data, 512))
        batch.networks = training.cohort.member(m)
        with torch.no_grad():
            deceived = torch.sigmoid(-batch.score("critic", "p", x=batch.x_p)).mean().item()
        assert deceived > 0.3


@pytest.mark.parametrize("name", [n for n in ALL if isinstance(objectives.find(n), DifferentiableObjective)])
@pytest.mark.parametrize(
    ("data", "reason"), [("digits", "needs continuous data"), ("eight_schools", "single observation")]
)
def test_a_system_is_refused_where_its_gradients_through_points_or_its_ratio_do_not_exist(
    name: str, data: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=rf"{name} .*{reason}.*got {data}"):
        objectives.check(name, data)


def test_systems_that_take_labels_are_refused_where_points_lack_them() -> None:
    for name in ("cgan", "iwcgan", "cvae", "aacvae"):
        with pytest.raises(
            ValueError,
            match=rf"{name} needs a label for every point, got digits_1pct_labels, where 1% have one.*ssvae",
        ):
            objectives.check(name, "digits_1pct_labels")
    objectives.check("ssvae", "digits_1pct_labels")


# A weight does not depend on the batch size


@pytest.mark.parametrize("name", ALL)
def test_a_batch_twice_over_has_the_loss_of_one(name: str) -> None:
    objective, data = objectives.find(name), datasets.find(admitted(name)[-1])
    once = batch_on(data, objective, rows_of(data, 64))
    twice = batch_on(data, objective, rows_of(data, 64).repeat(2, 1))
    twice.noise = {piece: noise.repeat(2, 1) for piece, noise in once.noise.items()}
    twice.z = twice.noise.get("z", twice.z)
    for player in once.form.players:
        ours, theirs = (getattr(objective, player)(batch, LAMBDA) for batch in (twice, once))
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("name", ["digits_1pct_labels", "digits_10pct_labels"])
def test_the_classifiers_weight_is_lambda_whatever_the_batch_size_and_however_few_have_labels(
    name: str, size: int
) -> None:
    data, ssvae = datasets.find(name), objectives.find("ssvae")
    rows = torch.cat([data.train, data.train[:size]])
    starts = range(len(data.train))  # batches in which every point is as often
    total = 0.0
    functions = {
        "classifier": lambda x: torch.zeros(len(x), data.classes),
        "encoder": lambda x, y: torch.zeros(len(x), 2 * data.z_dim),
        "decoder": lambda z, y: torch.zeros(len(z), data.x_dim),
    }
    noise = torch.zeros(size, sum(ssvae.form.dims(data).values()))
    for start in starts:
        batch = Batch(functions, ssvae.form, data, rows[start : start + size], noise)
        total += semi_supervised(batch)[1].sum().item() / math.log(data.classes)
    # −log q(y|x) is log 10 of every point with a label: divided by that, a weight of 1
    assert total / len(starts) == pytest.approx(1.0, rel=1e-4)


def test_a_label_weighs_as_many_points_as_it_has_and_not_as_well_as_they_deceive() -> None:
    scores, y = torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.eye(4)[[0, 1, 2, 3]]
    # One point of each label: a quarter each, where weights over all labels would be e^-f
    expected = torch.nn.functional.softplus(scores).mean()
    torch.testing.assert_close(weighted_within(scores, y), expected)
    same = torch.eye(4)[[2, 2, 2, 2]]
    torch.testing.assert_close(weighted_within(scores, same), weighted(scores, None))
    pairs = torch.eye(4)[[0, 0, 3, 3]]
    halves = 0.5 * weighted(scores[:2], None) + 0.5 * weighted(scores[2:], None)
    torch.testing.assert_close(weighted_within(scores, pairs), halves)
    torch.testing.assert_close(weighted_within(scores - 300, pairs), torch.tensor(0.0))


# λ weighs nats


def test_reconstruction_is_the_log_density_of_a_unit_gaussian_in_any_dimension() -> None:
    generator = torch.Generator().manual_seed(0)
    for dimension in (2, 4, 64):
        error = torch.randn(32, dimension, generator=generator)
        log_density = torch.distributions.Normal(0.0, 1.0).log_prob(error).sum(-1).mean()
        constant = dimension / 2 * math.log(2 * math.pi)
        torch.testing.assert_close(half_square(error), -log_density - constant)
    plane = torch.randn(32, 2, generator=generator)
    assert torch.equal(
        half_square(plane), plane.square().mean()
    )  # as it was when the stored toy results were made


# An estimate agrees with the exact value where one exists


def linear_gaussian(name: str, deviation: Tensor, size: int = 4096) -> Batch:
    """p(z) = N(0, I), p(x|z) = N(z, I) in the plane: posterior N(x/2, I/2); encoder x/2 + s ε, critic at its optimum.

    The noise has mean 0, variance 1 and no correlation with x to rounding, so that averages are expectations.
    """
    objective, data = objectives.find(name), datasets.find("mixture5")
    form = objective.form
    drawn = torch.from_numpy(
        stream("linear Gaussian").standard_normal((size, 2 + sum(form.dims(data).values())))
    )
    white, _ = torch.linalg.qr(drawn - drawn.mean(0))
    white = (white * math.sqrt(size)).float()
    x, noise = math.sqrt(2) * white[:, :2], white[:, 2:]
    variance = deviation.detach() ** 2

    functions = {
        "encoder": lambda x, epsilon: x / 2 + deviation * epsilon,
        "decoder": lambda z: torch.cat([z, torch.zeros_like(z)], -1),
    }
    batch = Batch(functions, form, data, torch.cat([x, torch.zeros(size, data.classes)], -1), noise)
    batch.networks = {**functions, **at_optimum(objective, batch, variance)}
    return batch


def at_optimum(objective: Objective, batch: Batch, variance: Tensor) -> dict[str, Callable[..., Tensor]]:
    """Critics whose log-ratio is that of q(z|x) = N(x/2, variance · I), in r's coordinates where there is an r, to p(z)."""
    critics = [name for name, net in batch.form.networks.items() if net.critic]
    nothing = dict.fromkeys(critics, lambda *inputs: torch.zeros(len(inputs[0])))

    def score(*inputs: Tensor) -> Tensor:
        x, z = inputs[0], inputs[1]
        contrast = hasattr(objective, "contrast")
        mean = torch.zeros_like(x) if contrast else x / 2
        spread = torch.ones(()) if contrast else variance
        log_q = -0.5 * ((z - mean).square() / spread + spread.log() + math.log(2 * math.pi)).sum(-1)
        log_prior = -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
        scoreless = Model(nothing, batch.form, batch.data)
        return log_q - log_prior - objective.log_ratio(scoreless, "q", x, z)  # type: ignore[attr-defined]

    return {**nothing, "critic": score}


ADVERSARIAL = [
    name for name in ALL if name.startswith("avb") and "critic" in objectives.find(name).form.networks
]
EXACT = -math.log(4 * math.pi) - 1
"""E log N(x; 0, 2 I) over x of that law, which is the bound where q is the posterior: −3.531."""


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_an_adversarial_bound_is_exact_where_its_critic_is(name: str) -> None:
    objective = objectives.find(name)
    batch = linear_gaussian(name, torch.tensor(math.sqrt(0.5)))
    assert -objective.autoencoder(batch, LAMBDA).item() == pytest.approx(EXACT, abs=0.01)
    bound = objective.bound(batch, batch.x, batch.noise["epsilon"])
    assert bound is not None
    assert bound.mean().item() == pytest.approx(EXACT, abs=0.01)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_an_adversarial_posterior_has_the_true_ones_variance(name: str) -> None:
    # With moments drawn anew at every step the gradient of AVB+AC was zero at 16/17 of it
    def slope(variance: float) -> float:
        deviation = torch.tensor(math.sqrt(variance), requires_grad=True)
        loss = objectives.find(name).autoencoder(linear_gaussian(name, deviation), LAMBDA)
        return float(torch.autograd.grad(loss, deviation)[0])

    assert slope(0.5 * 0.99) < 0 < slope(0.5 * 1.01)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_no_direction_improves_a_critic_at_its_optimum(name: str) -> None:
    batch = linear_gaussian(name, torch.tensor(math.sqrt(0.5)), 1 << 18)
    change = torch.zeros(4, requires_grad=True)
    best = batch.networks["critic"]
    batch.networks = {
        **batch.networks,
        "critic": lambda x, z, dropout: best(x, z, dropout) + torch.stack(
            [torch.ones(len(z)), z[:, 0], z.square().sum(-1), (x * z).sum(-1)], -1) @ change,
    }  # fmt: skip
    loss = objectives.find(name).critic(batch, LAMBDA)
    gradient = torch.autograd.grad(loss, change)[0]
    assert gradient.abs().max().item() < 0.03  # with a heavier tail than r's, that of ‖ζ‖² was 0.1


def test_an_inner_product_can_be_the_ratio_of_gaussians_and_avb_is_what_it_then_is() -> None:
    # log N(z; x/2, I/2) − log N(z; 0, I) = −½ ‖z‖² + x · z − ¼ ‖x‖² + log 2 in the plane
    objective, avb = (objectives.find(name) for name in ("avb_inner", "avb"))
    ours, theirs = (linear_gaussian(name, torch.tensor(math.sqrt(0.5))) for name in ("avb_inner", "avb"))
    ours.networks = {
        **ours.networks,
        "critic_x": lambda x, dropout: torch.stack(
            [-torch.ones(len(x)), x[:, 0], x[:, 1], math.log(2) - x.square().sum(-1) / 4], -1
        ),
        "critic_z": lambda z, dropout: torch.stack(
            [z.square().sum(-1) / 2, z[:, 0], z[:, 1], torch.ones(len(z))], -1
        ),
    }
    for player in ("critic", "autoencoder"):
        torch.testing.assert_close(
            getattr(objective, player)(ours, LAMBDA),
            getattr(avb, player)(theirs, LAMBDA),
            rtol=1e-5,
            atol=1e-5,
        )
    assert -objective.autoencoder(ours, LAMBDA).item() == pytest.approx(EXACT, abs=0.01)


def test_a_critic_of_codes_alone_has_the_ratio_of_all_of_them_to_the_prior_as_its_optimum() -> None:
    # x of variance 2, z~ = x/2 + s ε: q(z) = N(0, (½ + s²) I), here ¾
    batch = linear_gaussian("aae_log_ratio", torch.tensor(0.5), 1 << 18)
    change = torch.zeros(3, requires_grad=True)

    def critic(z: Tensor, dropout: Tensor | None) -> Tensor:
        ratio = -0.5 * (z.square() * (4 / 3 - 1) + math.log(3 / 4)).sum(-1)
        return ratio + torch.stack([torch.ones(len(z)), z[:, 0], z.square().sum(-1)], -1) @ change

    batch.networks = {**batch.networks, "critic": critic}
    objective = objectives.find("aae_log_ratio")
    gradient = torch.autograd.grad(objective.critic(batch, LAMBDA), change)[0]
    assert gradient.abs().max().item() < 0.01
    # E log N(x; z, I) − KL(q(z) ‖ p(z)), E‖x − z‖² = 2 (½ + s²), KL = ¾ − 1 − log ¾: no bound, as it exceeds E log p(x)
    expected = -math.log(2 * math.pi) - 0.75 - (0.75 - 1 - math.log(0.75))
    assert -objective.autoencoder(batch, LAMBDA).item() == pytest.approx(expected, abs=0.01)
    assert expected > EXACT
    assert objective.bound(batch, batch.x, batch.noise["epsilon"]) is None


# An objective declares λ where its losses read it, and there alone


def losses_at(name: str, data: DataSet, lam: float) -> list[Tensor]:
    """Of every player, the loss and its gradient by every network that there is, at one λ."""
    objective, found = objectives.find(name), list[Tensor]()
    for player in objective.form.among(data).players:
        batch = batch_on(data, objective, rows_of(data, 256))
        nets = [net for net in batch.networks.values() if isinstance(net, torch.nn.Module)]
        weights = [weight for net in nets for weight in net.parameters()]
        loss = getattr(objective, player)(batch, torch.tensor(lam))
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        found += [loss.detach(), *(torch.zeros(()) if g is None else g for g in gradients)]
    return found


@pytest.mark.parametrize("name", ALL)
def test_an_objective_declares_lambda_exactly_where_its_losses_depend_on_it(name: str) -> None:
    depends = (
        not torch.equal(a, b)
        for d in map(datasets.find, admitted(name))
        for a, b in zip(losses_at(name, d, 0.1), losses_at(name, d, 10.0), strict=True)
    )
    assert any(depends) == (objectives.find(name).lam is not None)
