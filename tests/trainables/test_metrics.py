"""Metrics against values derived by hand: good, bad and degenerate samplers."""

import math

import pytest
import torch

from trainables import metrics
from trainables.datasets import mixture
from trainables.randomness.streams import stream

MEANS = torch.tensor(mixture.MEANS, dtype=torch.float64)


def scores(x: torch.Tensor) -> tuple[float, float, float]:
    """Inception score, modes covered, on-mode share."""
    x = x.double()
    score = metrics.inception_score(mixture.log_posterior(x))
    return score.item(), metrics.modes_covered(x).item(), metrics.on_mode_share(x).item()


def test_mean_squared_error_averages_over_points_and_dimensions() -> None:
    # Squares 1, 4, 0, 9 over four numbers: 14 / 4.
    error = metrics.mean_squared_error(torch.tensor([[1.0, 2.0], [0.0, 3.0]]), torch.zeros(2, 2))
    assert error.item() == pytest.approx(3.5)


def test_scores_are_best_when_samples_sit_on_all_means_equally() -> None:
    score, covered, share = scores(MEANS.repeat(20, 1))
    assert score == pytest.approx(5.0)
    assert (covered, share) == (5.0, 1.0)


def test_scores_of_true_samples_match_the_published_ones() -> None:
    # Published for the released toy data: 4.977. On-mode share: P(χ²₂ ≤ 9) = 1 − e^{−4.5} = 0.98889.
    score, covered, share = scores(mixture.sample(1024, stream("true samples")))
    assert 4.95 < score <= 5.0
    assert covered == 5.0
    assert share == pytest.approx(1 - math.exp(-4.5), abs=0.01)


def test_scores_of_a_single_mode_are_one() -> None:
    score, covered, share = scores(MEANS[1].repeat(100, 1))
    assert score == pytest.approx(1.0)  # p(y|x) = p(y): KL = 0
    assert (covered, share) == (1.0, 1.0)


def test_inception_score_of_two_modes_weighted_three_to_one() -> None:
    # KL per point: ¾·log(1/¾) + ¼·log(1/¼) = 0.5623; e^0.5623 = 1.7548.
    score, covered, _ = scores(torch.cat([MEANS[0].repeat(75, 1), MEANS[3].repeat(25, 1)]))
    assert score == pytest.approx(math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4)))
    assert covered == 2.0


def test_uniform_noise_scores_high_and_the_on_mode_share_tells() -> None:
    # Uniform on [−4, 4]²: five discs of radius 0.6 cover 5π·0.36 / 64 = 0.0884 of the square.
    x = torch.from_numpy(stream("noise").uniform(-4, 4, size=(20_000, 2)))
    score, _, share = scores(x)
    assert score > 4.0
    assert share == pytest.approx(5 * math.pi * 0.36 / 64, abs=0.006)


def test_points_off_the_modes_cover_none_though_their_posterior_is_confident() -> None:
    score, covered, share = scores(10 * MEANS[1:].repeat(25, 1))
    assert score == pytest.approx(4.0)
    assert (covered, share) == (0.0, 0.0)


@pytest.mark.parametrize(("inside", "covered"), [(20, 2.0), (19, 1.0)])
def test_a_mode_is_covered_from_a_tenth_of_its_fair_share(inside: int, covered: float) -> None:
    # 1,000 points, 5 modes: a tenth of 200 is 20.
    x = torch.cat([MEANS[0].repeat(1000 - inside, 1), MEANS[2].repeat(inside, 1)])
    assert metrics.modes_covered(x).item() == covered


def test_a_point_is_on_a_mode_up_to_three_standard_deviations() -> None:
    # σ = 0.2, so the radius is 0.6.
    x = torch.tensor([[0.599, 0.0], [0.601, 0.0]], dtype=torch.float64)
    assert metrics.on_mode(x).any(-1).tolist() == [True, False]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_of_points_that_are_not_finite_are_not_finite(bad: float) -> None:
    x = torch.full((8, 2), bad, dtype=torch.float64)
    assert not math.isfinite(metrics.inception_score(mixture.log_posterior(x)).item())


def test_metrics_of_levels_follow_from_the_bound_and_the_error() -> None:
    values = {"elbo": torch.tensor(64 * math.log(17.0)), "mse_x": torch.tensor(0.01)}
    found = metrics.of_levels(values, 64, 17)
    # A density of 17 in each dimension is one level's width: it is known, and costs nothing
    assert found["bits_per_dim"].item() == pytest.approx(0.0, abs=1e-5)
    assert found["rmse"].item() == pytest.approx(1.7)
    # A uniform density on [0, 1]: log2(17) bits
    uniform = metrics.of_levels({"elbo": torch.tensor(0.0)}, 64, 17)
    assert uniform["bits_per_dim"].item() == pytest.approx(math.log2(17))
    assert "rmse" not in uniform
    assert metrics.of_levels(values, 64, None) == values
