"""Data of two domains: their batches, what is trained on them, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tests.trainables.factory import rows_of, run
from tests.trainables.test_conformance import batch_on
from trainables import datasets, metrics, objectives
from trainables.configurations import fitted
from trainables.datasets import domains, shifts
from trainables.datasets.base import DataSet
from trainables.datasets.digits import GreyDigits
from trainables.datasets.digits_shifted import DigitsShifted
from trainables.datasets.mixtures import Gaussians, Mixtures
from trainables.engine import assemble
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.native import build
from trainables.engine.training import Training
from trainables.metrics.evaluated import Evaluated
from trainables.models.batch import Batch, Model
from trainables.objectives.ada import ADA
from trainables.objectives.cyclegan import CycleGAN
from trainables.randomness.streams import stream
from trainables.testing import dataset_contract, objective_contract

CPU = torch.device("cpu")
ZERO, ONE = torch.tensor(0.0), torch.tensor(1.0)

test_mixtures = dataset_contract(Mixtures)
test_shifted_digits = dataset_contract(DigitsShifted)
test_cyclegan_between_mixtures = objective_contract(CycleGAN, data="mixtures")
test_cyclegan_between_images = pytest.mark.slow(objective_contract(CycleGAN, data="digits_shifted"))
test_ada = objective_contract(ADA, data="digits_shifted")
test_infogan_between_mixtures = objective_contract(type(objectives.find("infogan")), data="mixtures")


def on(data: str, algorithm: str = "cyclegan", seed: int = 0, **values: Any) -> Any:
    return replace(run(algorithm, seed=seed, **values), data=data)


# Batches


def test_each_domain_is_shuffled_by_a_stream_of_its_own_and_the_first_as_without_the_second() -> None:
    block, plain = Block([on("mixtures")], 3, CPU), Block([on("mixture5")], 3, CPU)
    assert torch.equal(block.indices[0], plain.indices[0])
    assert not torch.equal(block.indices[0], block.indices[1])
    data = datasets.find("mixtures")
    assert data.other is not None
    assert torch.equal(block.x[..., :7], plain.x)
    assert torch.equal(
        block.x[..., 7:], data.other.train[block.indices[1]][..., :2]
    )  # its labels are not in it
    per_epoch = 2048 // 64
    epoch = torch.cat([Block([on("mixtures")], n, CPU).indices[1].flatten() for n in range(2)])
    assert len(set(epoch[: per_epoch * 64].tolist())) == 2048  # all points once before any is seen again


def test_codes_are_points_of_the_second_domain_and_no_noise_is_drawn_for_them() -> None:
    data, form = datasets.find("mixtures"), objectives.find("alice").form
    assert form.dims(data) == {n: d for n, d in form.dims(datasets.find("mixture5")).items() if n != "z"}
    rows = rows_of(data, 32)
    batch = batch_on(data, objectives.find("alice"), rows)
    assert torch.equal(batch.z, rows[:, 7:])
    assert torch.equal(batch.x, rows[:, :2])
    assert batch.y is not None
    assert torch.equal(batch.y, rows[:, 2:7])


class Unequal(Mixtures):  # type: ignore[misc]
    """A second domain of 1,000 points and 100 test points."""

    name = "unequal"

    @property
    def other(self) -> DataSet:
        found = Gaussians("few", ((0.0, 0.0),))
        vars(found).update(train=found.train[:1000], test=found.test[:100])
        return found


UNEQUAL = f"{Unequal.__module__}:Unequal"


def test_a_second_domain_of_fewer_test_points_begins_anew() -> None:
    data = Unequal()
    rows = domains.tested(data)
    assert rows.shape == (1024, 9)
    assert torch.equal(rows[100:200, 7:], data.other.test[:, :2])
    assert torch.equal(rows[:, :7], data.test)


def test_a_batch_fits_the_smaller_domain() -> None:
    assert on(UNEQUAL, batch_size=992).dataset.train_points == 2048
    with pytest.raises(ValueError, match=r"batch_size must be <= 1000, .*got 1024"):
        on(UNEQUAL, batch_size=1024)


def test_codes_of_a_bounded_second_domain_are_within_its_bounds() -> None:
    data = datasets.find("digits_shifted")
    batch = batch_on(data, objectives.find("alice"), rows_of(data, 32))
    assert 0 <= batch.z_q.min() < batch.z_q.max() <= 1
    unbounded = batch_on(
        datasets.find("digits_grey"), objectives.find("alice"), rows_of(datasets.find("digits_grey"), 32)
    )
    assert unbounded.z_q.min() < 0


# What is refused


@pytest.mark.parametrize(
    ("algorithm", "data", "message"),
    [
        ("ada", "mixture5", r"ada needs data of two domains of one shape and the same classes \(.*digits_shifted.*\), got mixture5"),
        ("ada", "mixtures:second=two", "the same classes .*got mixtures:second=two"),
        ("vae", "mixtures", "vae needs a density of its codes, got mixtures, where they are points of a second domain"),
        ("avb", "digits_shifted", "avb needs a density of its codes"),
    ],
)  # fmt: skip
def test_a_system_is_refused_where_the_domains_are_not_what_it_needs(
    algorithm: str, data: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        objectives.check(algorithm, data)


def test_a_second_domain_fixes_the_dimension_of_codes() -> None:
    assert datasets.sized("mixtures", 2) is datasets.find("mixtures")
    with pytest.raises(
        ValueError, match="z_dim must be 2 on mixtures, whose codes are points of a second domain, got 3"
    ):
        datasets.sized("mixtures", 3)


def test_metrics_of_two_domains_are_none_of_one() -> None:
    later = {"target_accuracy", "modes_covered_z", "on_mode_share_z"}
    assert later <= metrics.applicable(datasets.find("mixtures")).keys()
    assert not later & metrics.applicable(datasets.find("mixture5")).keys()


# CycleGAN


@pytest.mark.parametrize("data", ["mixtures", "mixture5", "digits_shifted"])
def test_cyclegan_without_its_cycle_is_a_gan_in_each_domain(data: str) -> None:
    cyclegan, on_data = objectives.find("cyclegan"), datasets.find(data)
    batch = batch_on(on_data, cyclegan, rows_of(on_data, 64))

    def half(name: str, critic: str) -> Batch:
        form = replace(
            objectives.find(name).form,
            networks={**cyclegan.form.networks, **objectives.find(name).form.networks},
        )
        form = replace(
            form, networks={**form.networks, **{n: cyclegan.form.networks[n] for n in ("encoder", "decoder")}}
        )
        found = batch_on(on_data, cyclegan, rows_of(on_data, 64))
        found.form, found.networks = form, {**batch.networks, "critic": batch.networks[critic]}
        return found

    for player in ("critic", "autoencoder"):
        of_x = getattr(objectives.find("gan"), player)(half("gan", "critic_x"), ZERO)
        of_z = getattr(objectives.find("aae"), player)(half("aae", "critic_z"), ZERO)
        torch.testing.assert_close(getattr(cyclegan, player)(batch, ZERO), of_x + of_z)
    whole = cyclegan.autoencoder(batch, ONE) - cyclegan.autoencoder(batch, ZERO)
    torch.testing.assert_close(whole, batch.R_x + batch.R_z)


def test_cyclegans_errors_are_of_there_and_back() -> None:
    data = datasets.find("mixtures")
    batch = batch_on(data, objectives.find("cyclegan"), rows_of(data, 64))
    batch.networks = {**batch.networks, "encoder": lambda x: 2 * x, "decoder": lambda z: z / 2 + 1}
    # x → 2x → x + 1 and z → z/2 + 1 → z + 2: mean squares of an entry are 1 and 4
    assert batch.R_x.item() == pytest.approx(1.0, rel=1e-5)
    assert batch.R_z.item() == pytest.approx(4.0, rel=1e-5)


def test_a_cycle_between_two_mixtures_closes_on_their_modes() -> None:
    training = Training(
        [on("mixtures", lam=1.0, seed=seed, budget=300, width=64, batch_size=128) for seed in range(5)]
    )
    while not training.finished:
        training.advance()
    found = [result.metrics or {} for result in training.results()]
    closed = [max(one["mse_x"], one["mse_z"]) < 0.05 for one in found]
    there = [min(one["on_mode_share"], one["on_mode_share_z"]) > 0.9 for one in found]
    assert sum(map(all, zip(closed, there, strict=True))) >= 4


@pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
@pytest.mark.parametrize(
    ("algorithm", "data"),
    [("cyclegan", "mixtures"), ("ada", "digits_shifted:shift=moved")],
)
def test_systems_of_two_domains_are_lowered_to_the_gradients_they_have_on_torch(
    algorithm: str, data: str
) -> None:
    torch.set_flush_denormal(True)
    for player, trained in objectives.find(algorithm).form.players.items():
        found = []
        for kernels in (True, False):
            runs = [on(data, algorithm, seed, lam=1.0, critic_dropout=0.2 * seed) for seed in (0, 1)]
            cohort = Cohort(runs, CPU, kernels)
            assert cohort.native == kernels
            with torch.inference_mode():
                losses = cohort.train(Block(runs, 1, CPU), [(player, 0)])
            found.append([losses, *(cohort.optimisers[name].state["first"] for name in trained)])
        for ours, theirs in zip(*found, strict=True):
            assert theirs.abs().max() > 0
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


# Critics at their optima: no direction improves them


def white(size: int, width: int) -> Tensor:
    """Columns of mean 0, variance 1 and no correlation, to rounding."""
    drawn = torch.from_numpy(stream("domains").standard_normal((size, width)))
    columns, _ = torch.linalg.qr(drawn - drawn.mean(0))
    return (columns * size**0.5).float()


def log_ratio(value: Tensor, p: tuple[float, float], q: tuple[float, float]) -> Tensor:
    """log p − log q of normals in the plane, of these means and deviations in each direction."""
    p_log, q_log = (
        torch.distributions.Normal(mean, deviation).log_prob(value).sum(-1) for mean, deviation in (p, q)
    )
    return p_log - q_log


FORWARD = {"encoder": lambda x: 0.8 * x - 0.5, "decoder": lambda z: 0.7 * z + 0.5}


@pytest.mark.parametrize(
    ("algorithm", "critic", "p", "q"),
    [
        (
            "cyclegan",
            "critic_x",
            (0.5, 0.7),
            (0.0, 1.0),
        ),  # of z ~ N(0, 1) to 0.7 z + 0.5, against x ~ N(0, 1)
        ("cyclegan", "critic_z", (0.0, 1.0), (-0.5, 0.8)),
        ("ada", "critic", (0.5, 0.7), (0.0, 1.0)),  # the target's features against the source's
    ],
)
def test_no_direction_improves_a_critic_that_is_log_p_minus_log_q(
    algorithm: str, critic: str, p: tuple[float, float], q: tuple[float, float]
) -> None:
    data, objective = datasets.find("mixtures"), objectives.find(algorithm)
    size = 1 << 16
    points = white(size, 4)
    rows = torch.cat([points[:, :2], torch.eye(5)[torch.arange(size) % 5], points[:, 2:]], -1)
    if algorithm == "ada":
        rows[:, 7:] = 0.7 * rows[:, 7:] + 0.5
    change = torch.zeros(3, requires_grad=True)

    def nearly_best(value: Tensor, dropout: Tensor | None) -> Tensor:
        directions = torch.stack([torch.ones(len(value)), value.sum(-1), value.square().sum(-1)], -1)
        return log_ratio(value, p, q) + directions @ change

    functions = {
        **FORWARD,
        "extractor": lambda x: x,
        "critic_x": lambda v, _: v.sum(-1),
        "critic_z": lambda v, _: v.sum(-1),
    }
    noise = torch.zeros(size, sum(objective.form.dims(data).values()))
    batch = Batch({**functions, critic: nearly_best}, objective.form, data, rows, noise)
    slopes = torch.autograd.grad(objective.critic(batch, ONE), change)[0]
    assert slopes.abs().max().item() < 0.02
    with torch.no_grad():
        change.add_(0.2)
    assert torch.autograd.grad(objective.critic(batch, ONE), change)[0].abs().max().item() > 0.1


# Adversarial domain adaptation


def test_ada_without_its_adversary_learns_from_the_source_alone() -> None:
    data, ada = datasets.find("digits_shifted"), objectives.find("ada")
    batch = batch_on(data, ada, rows_of(data, 64))
    assert batch.y is not None
    logits = batch.given("classifier", features=batch.features(batch.x))
    expected = cross_entropy(logits, batch.y.argmax(-1))
    torch.testing.assert_close(ada.autoencoder(batch, ZERO), expected)
    batch.z = torch.zeros_like(batch.z)
    torch.testing.assert_close(ada.autoencoder(batch, ZERO), expected)


def test_ada_adds_the_loss_of_both_domains_with_the_critics_labels_exchanged() -> None:
    data, ada = datasets.find("digits_shifted"), objectives.find("ada")
    batch = batch_on(data, ada, rows_of(data, 64))
    added = ada.autoencoder(batch, ONE) - ada.autoencoder(batch, ZERO)
    score = batch.networks["critic"]
    batch.networks = {**batch.networks, "critic": lambda *inputs: -score(*inputs)}
    torch.testing.assert_close(added, ada.critic(batch, ONE))


def test_accuracy_on_the_target_is_of_its_own_points_and_labels() -> None:
    data = datasets.find("digits_shifted")
    rows = domains.tested(data)
    assert data.other is not None
    truth = {"source": data.test[:, 64:], "target": data.other.test[:, 64:]}

    def extractor(x: Tensor) -> Tensor:
        target = torch.equal(x, rows[:, 74:])
        labels = truth["target" if target else "source"].clone()
        labels[:90] = labels[:90].roll(1, -1) if target else labels[:90]  # a quarter of 360 is wrong
        return torch.cat([labels, torch.zeros(len(x), 6)], -1)

    networks = {"extractor": extractor, "classifier": lambda features: 9 * features[:, :10]}
    form = objectives.find("ada").form
    at = Evaluated(Model(networks, form, data, y=rows[:, 64:74]), rows[:, :64], {"z": rows[:, 74:]})
    assert metrics.find("target_accuracy")(at).item() == 0.75
    assert metrics.find("accuracy")(at).item() == 1.0
    assert at.points.shape == (0, 64)  # nothing is generated


@pytest.mark.parametrize(("angle", "share"), [(45, 1.0), (-135, 0.2)])
def test_accuracy_on_the_target_of_a_translation_is_of_the_labels_that_it_keeps(
    angle: float, share: float
) -> None:
    data, turn = datasets.find("mixtures"), math.radians(angle)
    rotation = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    networks = {"decoder": lambda z: z @ rotation}
    at = Evaluated(
        Model(networks, objectives.find("cyclegan").form, data),
        data.test[:, :2],
        {"z": domains.tested(data)[:, 7:], "xi": ZERO},
    )
    # Turned back the five modes are the first domain's; half a turn further, the one in the middle alone is in its place
    assert metrics.find("target_accuracy")(at).item() == pytest.approx(share, abs=0.03)


def test_a_system_without_a_decoder_has_a_result_without_points_and_pictures() -> None:
    training = Training([on("digits_shifted", "ada", budget=20)])
    training.advance()
    (result,) = training.results()
    assert {"accuracy", "target_accuracy"} == (result.metrics or {}).keys()
    assert len(result.samples) == 0
    assert result.pictures == {}


# Shifts


def test_shifts_of_an_image_by_hand() -> None:
    image = torch.zeros(1, 8, 8)
    image[0, 2, 5] = 1.0
    assert torch.equal(shifts.inverted(image), 1 - image)
    assert shifts.moved(image).nonzero().tolist() == [[0, 3, 6]]
    thick = shifts.thickened(image)
    assert thick[0, 1:4, 4:7].eq(1).all()
    assert thick.sum() == 9


def test_a_rotated_image_is_turned_anticlockwise_by_the_angle() -> None:
    image = torch.zeros(1, 9, 9)
    image[0, 4, 7] = 1.0  # three pixels right of the middle
    turned = shifts.rotated(image)[0]
    down, right = (turned.nonzero().double() - 4).T @ turned[turned > 0].double() / turned.sum().double()
    angle = torch.atan2(-down, right).rad2deg().item()
    assert angle == pytest.approx(shifts.ANGLE, abs=2)
    assert torch.hypot(down, right).item() == pytest.approx(3, abs=0.1)


def test_no_digit_is_in_both_domains_and_together_they_are_all() -> None:
    whole, data = GreyDigits().train, DigitsShifted(shift="inverted")
    assert torch.equal(data.train, whole[::2])
    torch.testing.assert_close(1 - data.other.train[:, :64], whole[1::2, :64])
    assert torch.equal(data.other.train[:, 64:], whole[1::2, 64:])
    assert torch.equal(data.test, GreyDigits().test)
    assert data.version == "digits_shifted:shift=inverted-v1"
    assert datasets.of_version(data.version) == "digits_shifted:shift=inverted"


@pytest.mark.parametrize("network", ["dcgan", "as_vae", "resnet"])
def test_a_classifier_beside_convolutions_is_a_perceptron_of_their_features(network: str) -> None:
    usual = run().configuration.values
    kept = {name: usual[name] for name in ("batch_size", "steps", "learning_rate", "beta1")}
    chosen = dict.fromkeys(("encoder", "decoder", "critic"), network)
    configuration = fitted({**kept, **chosen, "channels": 4, "mlp_width": 24})
    built = assemble.build(configuration, objectives.find("ada").form, datasets.find("digits_shifted"))
    assert [tuple(value.shape) for value in built["classifier"].net.parameters()] == [
        (24, 16),
        (24,),
        (10, 24),
        (10,),
    ]
    assert any(isinstance(module, torch.nn.Conv2d) for module in built["extractor"].net.modules())
    assert not any(isinstance(module, torch.nn.Conv2d) for module in built["critic"].net.modules())
