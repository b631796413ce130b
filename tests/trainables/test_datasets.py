"""Contract of every data set that is found, and what is known of each."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.trainables.factory import WITHOUT_FILES, run
from trainables import datasets, metrics, objectives
from trainables.datasets import digits
from trainables.engine.evaluation import SAMPLES
from trainables.engine.training import Training
from trainables.estimators import quadrature
from trainables.metrics import kl_z, log_likelihood
from trainables.metrics.evaluated import Evaluated
from trainables.metrics.inception_score import inception_score
from trainables.models.batch import Model

CONTENTS = {
    "digits": ("digits-binary-v2", "fbda9a4e8af9cdc1"),
    "digits_10pct": ("digits-binary-10pct-v2", "2b6f0dc6dc07256c"),
    "digits_1pct": ("digits-binary-1pct-v2", "7e74fb419192320d"),
    "digits_10pct_labels": ("digits-binary-10pct-labels-v2", "5d337bc4217ff533"),
    "digits_1pct_labels": ("digits-binary-1pct-labels-v2", "542a9fb571fd55fd"),
    "digits_grey": ("digits-grey-v2", "0d649458ce9493a9"),
    "four_images": ("four_images-v2", "f2e60c85ea367f5a"),
    "mixture5": ("mixture5-v1", "ab56b636d99e862b"),
    "eight_schools": ("eight_schools-v2", "5eb365e34c0c0fc2"),
}
"""Version and BLAKE2b of the points that stored results were trained and evaluated on."""


@pytest.mark.parametrize("name", CONTENTS)
def test_points_of_a_version_stay_what_they_are_to_the_bit(name: str) -> None:
    data, digest = datasets.find(name), hashlib.blake2b(digest_size=8)
    for points in (data.train, data.test):
        digest.update(points.contiguous().numpy().tobytes())
    assert (data.version, digest.hexdigest()) == CONTENTS[name]
    assert data.as_stored
    assert torch.equal(data.rows(data.stored[:3], torch.arange(3)), data.train[:3])


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_data_set_states_its_spaces_and_keeps_its_points(name: str) -> None:
    data = datasets.find(name)
    assert re.search(r"-v\d+$", data.version)
    assert data.__doc__
    assert math.prod(data.shape) == (len(data.coordinates) or data.x_dim)
    for points in (data.train, data.test):
        assert points.dtype == torch.float32
        assert points.shape[1] == data.x_dim + data.classes
        assert set(points[:, data.x_dim :].sum(1).tolist()) <= {0.0, 1.0}  # 0 where a label is held back
        assert torch.isfinite(points).all()
    assert torch.equal(data.train, data.train)
    assert (data.test[:, data.x_dim :].sum(1) == (data.classes > 0)).all()
    if data.posterior:
        log_posterior = data.log_posterior(data.test[:64, : data.x_dim].double())
        assert log_posterior.shape == (64, data.classes)
        assert torch.allclose(log_posterior.exp().sum(-1), torch.ones(64).double())
        right = log_posterior.argmax(-1) == data.test[:64, data.x_dim :].argmax(-1)
        assert right.double().mean() > 0.8  # its own labels
    if data.distinct:
        first = data.test[: data.distinct].unique(dim=0)
        assert len(first) == data.distinct == len(data.test.unique(dim=0))
    if data.binary:
        assert set(data.train[:, : data.x_dim].unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("algorithm", ["vae", "avb", "gan"])
@pytest.mark.parametrize(
    "name", ["mixture5", "four_images", "digits", pytest.param("digits_grey", marks=pytest.mark.slow)]
)
def test_systems_of_every_kind_train_on_every_data_set(
    name: str, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_likelihood, "TEMPERATURES", 20)
    monkeypatch.setattr(kl_z, "CODES", 512)
    data, form = datasets.find(name), objectives.find(algorithm).form
    runs = [replace(run(algorithm, seed=seed, budget=20, width=96), data=name) for seed in range(2)]
    training = Training(runs)
    training.advance()
    for result in training.results():
        assert result.metrics is not None
        assert all(math.isfinite(value) for value in result.metrics.values())
        assert "inception_score" in result.metrics
        assert ("mse_x" in result.metrics) == ("encoder" in form.networks)
        assert ("elbo" in result.metrics) == ("elbo_error" in result.metrics) == (algorithm in ("vae", "avb"))
        concluded = algorithm in ("vae", "avb") and name != "mixture5"
        assert ("log_likelihood" in result.metrics) == concluded
        assert result.samples.shape == (SAMPLES, data.x_dim)


@pytest.mark.parametrize("name", ["four_images", "digits"])
def test_a_member_that_diverged_is_not_concluded_and_its_neighbour_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_likelihood, "TEMPERATURES", 20)
    monkeypatch.setattr(kl_z, "CODES", 512)
    training = Training([replace(run("vae", seed=seed, budget=40, width=96), data=name) for seed in range(2)])
    training.advance()
    training.cohort.parameters["decoder"][0].fill_(math.nan)
    training.advance()
    gone, fine = training.results()
    assert (gone.diverged_at, gone.metrics) == (21, None)
    assert fine.metrics is not None
    assert math.isfinite(fine.metrics["log_likelihood"])


def test_codes_that_collapsed_to_points_are_a_result_and_no_divergence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kl_z, "CODES", 512)
    training = Training(
        [replace(run("avb", seed=s, budget=40, width=96), data="four_images") for s in (0, 1)]
    )
    training.advance()
    encoder = training.cohort.optimisers["encoder"]
    for array in (encoder.parameters, *encoder.state.values()):
        array[0].fill_(0.0)  # dead units: from here on only the output's bias learns
    training.advance()
    collapsed, fine = training.results()
    assert collapsed.diverged_at is None
    assert collapsed.metrics is not None
    assert collapsed.metrics["kl_z"] is None
    assert math.isfinite(collapsed.metrics["log_likelihood"])
    assert fine.metrics is not None
    assert math.isfinite(fine.metrics["kl_z"])


def test_find_names_what_there_is_when_the_data_are_unknown() -> None:
    with pytest.raises(
        ValueError,
        match=r"data must be one of celeba.*mixture5.*, or an import path module:Class, got 'mnits'",
    ):
        datasets.find("mnits")


def test_run_refuses_a_batch_larger_than_its_data() -> None:
    with pytest.raises(
        ValueError, match="batch_size must be <= 1437, the training points of digits, got 2048"
    ):
        replace(run(batch_size=2048), data="digits")
    assert run().key == replace(run(), data="mixture5").key != replace(run(), data="digits").key


def quadrants(z: Tensor) -> Tensor:
    """Logits of a decoder that gives each quadrant of the codes its image, all but surely."""
    place = (z[:, 0] > 0).long() * 2 + (z[:, 1] > 0).long()
    return 60.0 * torch.eye(4)[place] - 30.0


def test_quadrature_gives_a_perfect_decoder_of_four_images_the_optimum() -> None:
    form = objectives.find("vae").form
    data = datasets.find("four_images")
    perfect = Model({"decoder": quadrants}, form, data)
    values = quadrature.by_quadrature(perfect, torch.eye(4))
    torch.testing.assert_close(values, torch.full((4,), -math.log(4), dtype=torch.float64), rtol=0, atol=1e-6)
    # A decoder that ignores its code: each of four pixels is on with probability 1/4
    ignorant = Model({"decoder": lambda z: torch.full((len(z), 4), -math.log(3))}, form, data)
    expected = math.log(0.25) + 3 * math.log(0.75)
    assert quadrature.by_quadrature(ignorant, torch.eye(4)).tolist() == pytest.approx(
        [expected] * 4, abs=1e-6
    )


def test_quadrature_of_a_linear_gaussian_decoder_is_its_marginal() -> None:
    # x | z ~ N(2z, e⁻¹ I), z ~ N(0, I): x ~ N(0, (4 + e⁻¹) I)
    decoder = lambda z: torch.cat([2 * z, -torch.ones_like(z)], -1)  # noqa: E731
    model = Model({"decoder": decoder}, objectives.find("vae").form, datasets.find("mixture5"))
    x = torch.tensor([[0.0, 0.0], [1.0, -2.0], [3.0, 1.0]])
    variance = 4 + math.exp(-1)
    expected = -0.5 * x.double().square().sum(1) / variance - math.log(2 * math.pi * variance)
    torch.testing.assert_close(quadrature.by_quadrature(model, x), expected, rtol=0, atol=5e-3)


def test_four_images_conclude_with_likelihood_and_divergence_of_codes() -> None:
    data = datasets.find("four_images")
    generator = torch.Generator().manual_seed(0)
    form = objectives.find("avb").form
    # Codes of image k are N(0, I) in quadrant k: q(z) is the prior
    networks = {
        "decoder": quadrants,
        "encoder": lambda x, epsilon: (
            epsilon[:, :2].abs() * (2 * torch.stack([x.argmax(1) // 2, x.argmax(1) % 2], 1) - 1)
        ),
    }
    model = Model(networks, form, data)
    at = Evaluated(
        model, data.test[:, :4], {}, draw=lambda *shape, name: torch.randn(*shape, generator=generator)
    )
    assert metrics.find("log_likelihood")(at).item() == pytest.approx(-math.log(4), abs=1e-6)
    assert metrics.find("kl_z")(at).item() == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("name", ["digits", "digits_grey"])
def test_digits_are_classified_well_and_score_highly_as_they_are(name: str) -> None:
    data, classifier = datasets.find(name), digits.classifier(name)
    assert len(data.train) + len(data.test) == 1797
    assert classifier.accuracy > 0.94
    score = inception_score(classifier.log_posterior(data.test[:, :64])).item()
    assert score > 8.0  # 8.1 and 8.5 here; a certain classifier of equal classes gives 10
    noise = torch.rand(360, 64, generator=torch.Generator().manual_seed(1))
    assert inception_score(classifier.log_posterior(noise.round())).item() < score - 2


@pytest.mark.parametrize(("name", "distinct"), [("digits", 1437), ("digits_10pct", 144), ("digits_1pct", 15)])
def test_parts_of_the_digits_have_so_many_of_the_same_ones_and_the_whole_test_set(
    name: str, distinct: int
) -> None:
    whole, part = datasets.find("digits"), datasets.find(name)
    assert part.train.shape == whole.train.shape
    few = part.train[:distinct]
    assert torch.equal(part.train, few[torch.arange(1437) % distinct])
    assert len(set(map(tuple, few.tolist())) - set(map(tuple, whole.train.tolist()))) == 0
    per_class = few[:, 64:].sum(0)
    assert distinct == 1437 or per_class.max() - per_class.min() <= 1
    assert torch.equal(part.test, whole.test)
    assert digits.classifier(name).accuracy == digits.classifier("digits").accuracy


def test_grey_digits_are_densities_in_the_unit_interval() -> None:
    points = datasets.find("digits_grey").train[:, :64]
    assert 0 <= points.min() < 0.01
    assert 0.99 < points.max() <= 1
    assert points.unique().numel() > 10_000
