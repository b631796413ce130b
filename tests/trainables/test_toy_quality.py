"""Metrics of the toy data that see how good points are: known values, true points within the floor, and bad points seen as bad."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from torch import Tensor

from trainables import datasets, metrics, objectives
from trainables.datasets import mixture
from trainables.datasets.base import DataSet
from trainables.estimators.neighbourhoods import Neighbourhoods, nearest_of
from trainables.estimators.neighbours import entropy, kl_divergence
from trainables.estimators.sliced import projected, sliced_w2
from trainables.metrics.base import END
from trainables.metrics.evaluated import Evaluated
from trainables.metrics.modes import mode_imbalance, on_mode_score
from trainables.models.batch import Model
from trainables.randomness.streams import stream

POINTS = 1024
QUALITY = (
    "true_log_density", "kl_true_model", "kl_model_true", "sliced_w2", "on_mode_score", "precision", "density", "coverage",
)  # fmt: skip
"""Metrics that see how good points are."""
BALANCE = ("mode_imbalance", "recall")
"""Metrics of how many of the modes have points: blind to points between them, by what they are."""


def normal(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def measured(x: Tensor) -> dict[str, float]:
    """Metrics of a model that generates just these points."""
    data = datasets.find("mixture5")
    at = Evaluated(Model({}, objectives.find("gan").form, data), data.test[:, :2], {})
    vars(at)["generated"] = x.float()
    return {name: metrics.find(name)(at).item() for name in (*QUALITY, *BALANCE, "inception_score")}


@cache
def of_true_points() -> list[dict[str, float]]:
    """Values of 8 samples of the data's density."""
    return [measured(mixture.sample(POINTS, stream("true points", s))) for s in range(8)]


def rings() -> Tensor:
    """Points at a distance of 0.9, which is 4.5 standard deviations, around each of the means."""
    angle = 2 * math.pi * torch.rand(POINTS, generator=torch.Generator().manual_seed(0))
    means = torch.tensor(mixture.MEANS)[torch.arange(POINTS) % 5]
    return means + 0.9 * torch.stack([angle.cos(), angle.sin()], -1)


def widened() -> Tensor:
    """The prior, 2.2 times as wide: no network at all."""
    return 2.2 * normal(POINTS, 2)


def test_toy_data_have_all_of_them_after_the_last_iteration_alone() -> None:
    found = metrics.applicable(datasets.find("mixture5"))
    assert {name for name, metric in found.items() if metric.when is END} == {*QUALITY, *BALANCE}
    assert not {"frechet_distance", "kernel_distance"} & found.keys()
    for other in ("digits", "four_images", "eight_schools"):
        assert not {*QUALITY, *BALANCE} & metrics.applicable(datasets.find(other)).keys()


@pytest.mark.parametrize("bad", [rings, widened], ids=["rings", "2.2 z"])
@pytest.mark.parametrize("name", QUALITY)
def test_bad_points_are_seen_where_the_inception_score_praises_them(bad, name: str) -> None:  # type: ignore[no-untyped-def]
    found = measured(bad())
    assert found["inception_score"] > 4.8
    better = metrics.find(name).better
    worst_of_true = min(better * one[name] for one in of_true_points())
    best_of_true = max(better * one[name] for one in of_true_points())
    # Ten ranges of true points below these; a distance that true samples have for unequal modes as well is worse than all.
    ranges = 0 if name == "sliced_w2" else 10
    assert better * found[name] < worst_of_true - ranges * (best_of_true - worst_of_true)


@pytest.mark.parametrize(
    ("name", "mean", "tolerance"),
    # log p: −log 5 − log(2π 0.04) − 1; on modes: 5 (1 − exp(−4.5)), less what five masses of 1,024 points are apart;
    # coverage 1 − 2^−5; half of five times √(2/π · 0.2 · 0.8 / 1024).
    [("true_log_density", -math.log(5) - math.log(2 * math.pi * 0.04) - 1, 0.04), ("on_mode_score", 4.935, 0.02),
     ("coverage", 1 - 2**-5, 0.01), ("density", 1.0, 0.02), ("mode_imbalance", 0.025, 0.01),
     ("kl_true_model", 0.0, 0.04), ("kl_model_true", 0.04, 0.03), ("precision", 0.97, 0.02), ("recall", 0.97, 0.02)],
)  # fmt: skip
def test_true_points_have_the_floor(name: str, mean: float, tolerance: float) -> None:
    found = [one[name] for one in of_true_points()]
    assert sum(found) / len(found) == pytest.approx(mean, abs=tolerance)


def test_density_of_the_mixture_is_one_in_all_and_that_of_its_posterior() -> None:
    axis = torch.arange(-4, 4, 0.02, dtype=torch.float64) + 0.01
    grid = torch.cartesian_prod(axis, axis)
    assert (mixture.log_density(grid).exp().sum() * 0.02**2).item() == pytest.approx(1, abs=1e-9)
    x = normal(50, 2)
    means = torch.tensor(mixture.MEANS, dtype=torch.float64)
    joint = -(x[:, None] - means).square().sum(-1) / 0.08 - math.log(2 * math.pi * 0.04) - math.log(5)
    assert mixture.log_posterior(x) + mixture.log_density(x)[:, None] == pytest.approx(joint)


def test_one_point_far_off_moves_the_mean_by_at_most_a_fiftieth() -> None:
    x = mixture.sample(POINTS, stream("far"))
    before = measured(x)["true_log_density"]
    x[0] = 1e6
    after = measured(x)["true_log_density"]
    assert (
        0 < before - after < (20 + 6) / POINTS
    )  # 20 nats below the average, from at most some nats above it


class Plane(DataSet):
    """1,024 points of N(0, I) in the plane."""

    name, version, shape, x_dim, z_dim, noise_dim = "plane", "plane-v1", (2,), 2, 2, 2
    train = test = normal(POINTS, 2, seed=7).float()

    def log_density(self, x: Tensor) -> Tensor:
        return -0.5 * x.square().sum(-1) - math.log(2 * math.pi)


@pytest.mark.parametrize(
    ("scale", "shift", "too_small"),
    [(1.5, 0.0, 0.0), (0.7, 0.0, 0.1), (1.0, 1.0, 0.0)],
    ids=["wider", "narrower", "shifted"],
)
def test_divergences_of_gaussians_are_those_that_are_known(
    scale: float, shift: float, too_small: float
) -> None:
    # KL(N(m, s² I) ‖ N(0, I)) = s² − 1 − 2 log s + m²/2 in the plane, and the other way with 1/s and m/s.
    data = Plane()
    at = Evaluated(Model({}, objectives.find("gan").form, data), data.test, {})
    vars(at)["generated"] = (scale * normal(POINTS, 2, seed=8) + torch.tensor([shift, 0.0])).float()
    forth = scale**2 - 1 - 2 * math.log(scale) + shift**2 / 2
    back = scale**-2 - 1 + 2 * math.log(scale) + (shift / scale) ** 2 / 2
    assert metrics.find("kl_model_true")(at).item() == pytest.approx(forth, abs=0.1)
    assert metrics.find("kl_true_model")(at).item() == pytest.approx(back - too_small, abs=0.1)


def test_estimates_from_shared_distances_are_those_of_the_samples() -> None:
    real, generated = normal(300, 3), normal(200, 3, seed=1)
    found = Neighbourhoods(real, generated)
    assert found.divergence().item() == pytest.approx(kl_divergence(real, generated, 3).item(), abs=1e-9)
    white = torch.linalg.svd(generated - generated.mean(0), full_matrices=False)[0]
    shared = Neighbourhoods(real, white).entropy()
    scales = torch.linalg.svdvals(generated - generated.mean(0)).log().sum()
    assert (shared + scales).item() == pytest.approx(entropy(generated, 3).item(), abs=1e-9)
    apart = torch.cdist(real, real).fill_diagonal_(torch.inf).sort().values[:, :5].square()
    assert nearest_of(real) == pytest.approx(apart, abs=1e-12)


def test_points_that_collapse_are_infinitely_far_from_a_density() -> None:
    found = measured(torch.zeros(POINTS, 2))
    assert found["kl_model_true"] == math.inf
    assert metrics.find("kl_model_true").infinite
    assert found["true_log_density"] == pytest.approx(-math.log(5 * 2 * math.pi * 0.04))
    assert found["mode_imbalance"] == pytest.approx(0.8)  # all on one of five modes


def test_sliced_distance_of_a_shift_is_the_root_of_half_its_square() -> None:
    # Along a line at the angle a, a shift by (3, 0) is 3 cos a, whose mean square over angles is 9/2.
    x = normal(500, 2)
    found = sliced_w2(projected(x), projected(x + torch.tensor([3.0, 0.0]))).item()
    assert found == pytest.approx(3 / math.sqrt(2), rel=0.15)  # over 32 lines
    everywhere = [
        sliced_w2(projected(x), projected(x + 3 * d)).item() ** 2 for d in torch.eye(2, dtype=torch.float64)
    ]
    assert sum(everywhere) == pytest.approx(9)  # cos² + sin²
    assert sliced_w2(projected(x), projected(x.flip(0))).item() == pytest.approx(0, abs=1e-12)


def test_scores_of_points_on_modes_by_hand() -> None:
    sure = torch.eye(4).double().mul(0.999999).add(1e-7).log()
    on = torch.tensor([True, True, True, False])
    # Three of four points, each of its own mode: a score of 3, times ¾.
    assert on_mode_score(sure, on).item() == pytest.approx(3 * 0.75, abs=1e-3)
    assert on_mode_score(sure, torch.zeros(4, dtype=torch.bool)).item() == 0
    assert mode_imbalance(sure).item() == pytest.approx(0, abs=1e-6)
    assert mode_imbalance(sure[:2]).item() == pytest.approx(0.5, abs=1e-5)  # two of four modes: ½ (2·¼ + 2·¼)
