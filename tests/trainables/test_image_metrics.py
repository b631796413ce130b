"""Metrics of images of whole cohorts: which models have them, what they are, and that a member's are its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables import pictures
from tests.trainables.factory import run
from trainables import datasets, metrics, objectives
from trainables.datasets.base import Annealing, DataSet
from trainables.engine.cohort import Cohort
from trainables.engine.evaluation import Evaluation
from trainables.engine.machine import arithmetic
from trainables.engine.training import Training
from trainables.estimators import frechet
from trainables.metrics.base import EVERY
from trainables.metrics.evaluated import Evaluated
from trainables.models.batch import Model

BARS = "tests.trainables.pictures:Bars"
OF_FEATURES = {"frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage"}


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the classifier is kept."""
    pictures.Bars.folder = tmp_path_factory.mktemp("bars")
    yield pictures.Bars.folder
    pictures.Bars.folder = None


def evaluated(algorithm: str, seeds: tuple[int, ...] = (0, 1)) -> dict[str, np.ndarray]:
    """All metrics of new models."""
    runs = [replace(run(algorithm, seed=seed), data=BARS) for seed in seeds]
    cohort = Cohort(runs, torch.device("cpu"))
    with torch.inference_mode():
        evaluation = Evaluation(cohort)
        values, _ = evaluation(cohort)
        return values | evaluation.alone(cohort, np.ones(len(runs), dtype=bool), last=True)


def test_models_of_images_have_what_their_networks_allow() -> None:
    names = {algorithm: set(evaluated(algorithm)) for algorithm in ("gan", "ali", "vae", "cvae")}
    assert all(names[algorithm] >= OF_FEATURES | {"inception_score"} for algorithm in names)
    assert "ssim" not in names["gan"]
    assert "ssim" in names["ali"]
    assert {"iw_log_likelihood", "log_likelihood"} <= names["vae"]
    assert not {"iw_log_likelihood", "log_likelihood"} & (names["ali"] | names["cvae"])


def test_searches_have_the_cheap_ones_at_every_evaluation() -> None:
    every = {name for name, metric in metrics.applicable(datasets.find(BARS)).items() if metric.when is EVERY}
    assert {"frechet_distance", "inception_score", "ssim"} <= every
    assert not every & {"kernel_distance", "iw_log_likelihood", "log_likelihood"}


def test_values_are_within_what_the_metrics_declare() -> None:
    for name, value in evaluated("vae").items():
        metric = metrics.find(name)
        assert np.isfinite(value).all(), name
        assert metric.best is None or (metric.better * (metric.best - value) >= 0).all(), name
        assert metric.worst is None or (metric.better * (value - metric.worst) >= 0).all(), name


def test_a_member_has_the_same_values_whatever_it_is_evaluated_beside() -> None:
    few, many = evaluated("vae", (0, 1)), evaluated("vae", (0, 1, 2, 3, 4))
    assert {name: value.tolist() for name, value in few.items()} == {
        n: v[:2].tolist() for n, v in many.items()
    }


def test_members_without_sound_numbers_leave_the_others_theirs() -> None:
    runs = [replace(run("ali", seed=seed), data=BARS) for seed in (0, 1, 2)]
    cohort = Cohort(runs, torch.device("cpu"))
    with torch.inference_mode():
        evaluation = Evaluation(cohort, ["frechet_distance", "inception_score"])
        before = evaluation(cohort)[0]["frechet_distance"]
        cohort.parameters["decoder"][1] = torch.nan
        after = evaluation(cohort)[0]["frechet_distance"]
    assert np.isnan(after).tolist() == [False, True, False]
    assert after[[0, 2]].tolist() == before[[0, 2]].tolist()


def test_better_images_have_a_smaller_distance() -> None:
    data = datasets.find(BARS)
    test, train = data.test[:, : data.x_dim], data.train[:128, : data.x_dim]
    generator = torch.Generator().manual_seed(0)
    noisy = (test + (torch.rand(test.shape, generator=generator) < 0.1)) % 2
    noise = (torch.rand(test.shape, generator=generator) < 0.3).float()
    found = [of_images(x) for x in (train, noisy, noise)]
    for name in ("frechet_distance", "kernel_distance"):
        assert found[0][name] < found[1][name] < found[2][name]
    for name in ("precision", "coverage"):
        assert found[0][name] > found[2][name]
    assert found[0]["inception_score"] > 3.5  # of 4 classes
    assert of_images(test)["frechet_distance"] == pytest.approx(0.0, abs=1e-6)


def of_images(x: torch.Tensor) -> dict[str, float]:
    """Metrics of features of a model that generates just these."""
    data = datasets.find(BARS)
    at = Evaluated(Model({}, objectives.find("gan").form, data), x, {})
    vars(at)["generated"] = x
    names = (*OF_FEATURES, "inception_score")
    return {name: metrics.find(name)(at).item() for name in names}


def test_features_of_the_test_points_are_those_of_its_recogniser() -> None:
    data = datasets.find(BARS)
    assert data.test_features.shape == (128, 128)
    assert torch.equal(data.test_features, data.features(data.test[:, : data.x_dim]))
    moments = frechet.moments(data.test_features)
    assert moments.covariance.diagonal().tolist() == pytest.approx(data.test_features.var(0).tolist())


def test_a_row_says_by_which_classifier_it_was_measured() -> None:
    cohort = Cohort([replace(run("vae"), data=BARS)], torch.device("cpu"))
    said = arithmetic.of(cohort, Evaluation(cohort).recogniser)
    assert said["features"] == pictures.Bars().recogniser.words
    other = {**said, "features": "classifier 0123, right for 50.0 % of the test images"}
    assert other["features"] in arithmetic.joined([other], said)["features"]
    of_the_plane = Cohort([run("vae")], torch.device("cpu"))
    assert "features" not in arithmetic.of(of_the_plane, Evaluation(of_the_plane).recogniser)


def test_features_and_classes_are_by_a_recogniser() -> None:
    found = {
        name: metrics.find(name).recognises
        for name in ("inception_score", "accuracy", "recall", "mse_x", "ssim")
    }
    assert found == {"inception_score": True, "accuracy": True, "recall": True, "mse_x": False, "ssim": False}


@pytest.mark.parametrize(("name", "trained"), [("mse_x", False), ("frechet_distance", True)])
def test_a_classifier_is_trained_where_a_metric_that_is_taken_needs_it(
    name: str, trained: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures.Bars, "folder", tmp_path)
    training = Training([replace(run("vae"), data=BARS)], metrics=[name])
    assert [metric.name for metric in training.evaluation.metrics] == [name]
    assert any(tmp_path.iterdir()) == trained
    assert ("features" in training.arithmetic) == trained


def test_data_without_a_recogniser_say_so() -> None:
    with pytest.raises(NotImplementedError, match="digits has no recogniser"):
        datasets.find("digits").features(torch.zeros(1, 64))


class Coloured(DataSet):
    """Colour images of 256 levels."""

    name, version = "coloured", "coloured-v1"
    shape, x_dim, z_dim, noise_dim = (3, 32, 32), 3072, 2, 2
    levels, bounded = 256, True
    train = test = torch.zeros(2, 3072)


def test_bits_of_256_levels_and_three_colours() -> None:
    model = Model({}, objectives.find("vae").form, Coloured())

    def bits(elbo: float) -> float:
        at = Evaluated(
            model,
            torch.zeros(2, 3072),
            {"epsilon": torch.zeros(2, 2)},
            lambda *_: torch.full((2,), elbo).double(),
        )
        return metrics.find("bits_per_dim")(at).item()

    # A uniform density on [0, 1]^3072 codes a level with 8 bits; a density of 256 everywhere knows it.
    assert bits(0.0) == pytest.approx(8.0)
    assert bits(3072 * math.log(256)) == pytest.approx(0.0, abs=1e-6)
    # On pixels in 0 … 256 the same bound is less by 3072 log 256, and 4,000 nats are 4000 / 3072 / log 2 bits.
    assert bits(3072 * math.log(256) - 4000) == pytest.approx(4000 / 3072 / math.log(2))


class LinearGaussian(Coloured):  # type: ignore[misc,valid-type]
    """Points in two dimensions for a decoder x = z + noise of variance 1."""

    name, version = "linear_gaussian", "linear_gaussian-v1"
    shape, x_dim, z_dim = (2,), 2, 2
    levels, bounded = None, False
    likelihood_points, importance_codes = 3, 4000


def test_importance_bound_is_the_likelihood_where_it_is_known() -> None:
    # x = z + noise: p(x) = N(0, 2I). q(z|x) = N(x/2, 0.7 I) is not the posterior N(x/2, I/2), and its bound gets there.
    networks = {
        "encoder": lambda x: torch.cat([x / 2, torch.full_like(x, math.log(0.7))], -1),
        "decoder": lambda z: torch.cat([z, torch.zeros_like(z)], -1),
    }
    data, form = LinearGaussian(), objectives.find("vae").form
    x = torch.tensor([[0.0, 0.0], [1.0, -2.0], [3.0, 0.5], [9.0, 9.0]])

    def draw(*shape: int, name: str) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(0))

    at = Evaluated(Model(networks, form, data), x, {}, draw=draw)
    # −log(4π) − ‖x‖²/4 at the first three points: squares 0, 5, 9.25.
    expected = -math.log(4 * math.pi) - (0 + 5 + 9.25) / 3 / 4
    assert metrics.find("iw_log_likelihood")(at).item() == pytest.approx(expected, abs=0.02)


def test_annealing_of_a_convolutional_decoder_finds_what_quadrature_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures.Bars, "annealing", Annealing(8, 100))
    convolutional = run("vae", decoder="as_vae", channels=4, mlp_width=16, z_dim=1)
    cohort = Cohort([replace(convolutional, data=BARS)], torch.device("cpu"))
    cohort.parameters["decoder"] *= 1.8  # log p(x|z) varies by tens of nats over the codes
    with torch.inference_mode():
        found = Evaluation(cohort, ["log_likelihood"]).alone(cohort, np.ones(1, dtype=bool), last=True)
    with torch.no_grad():
        data = cohort.dataset
        model = Model(cohort.member(0), cohort.form, data)
        x = data.test[: data.likelihood_points, None, : data.x_dim].double()
        # The mean of p(x|z) over the middles of 4,000 equally probable cells of the one code.
        u = (torch.arange(4000).double() + 0.5) / 4000
        given = model.given("decoder", z=torch.special.ndtri(u).float().unsqueeze(1)).double()
        densities = model.log_p_given(x, given)
        exact = (torch.logsumexp(densities, 1) - math.log(4000)).mean().item()
    assert (densities.std(1) > 10).all()
    assert found["log_likelihood"][0] == pytest.approx(exact, abs=0.1)
