"""Distances between samples of features, and likeness of images, against values derived by hand and against torchmetrics."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from trainables.estimators import frechet, kernels
from trainables.estimators.neighbourhoods import Neighbourhoods
from trainables.estimators.similarity import ssim
from trainables.metrics.inception_score import inception_score


def normal(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def between(a: Tensor, b: Tensor) -> float:
    return frechet.distance(frechet.moments(a), frechet.moments(b)).item()


def test_frechet_distance_of_gaussians_on_different_axes() -> None:
    # Of diagonal covariances ‖m‖² + Σ (σ − σ')²: 9 + 16 + (1 − 3)² + (2 − 2)² + (5 − 1)² = 45.
    a = frechet.Moments(torch.zeros(3).double(), torch.tensor([1.0, 4.0, 25.0]).diag().double())
    b = frechet.Moments(torch.tensor([3.0, 4.0, 0.0]).double(), torch.tensor([9.0, 4.0, 1.0]).diag().double())
    assert frechet.distance(a, b).item() == pytest.approx(45.0)
    assert frechet.distance(b, a).item() == pytest.approx(45.0)


def test_frechet_distance_of_covariances_that_do_not_commute() -> None:
    # Of 2 × 2 matrices tr (A B)^½ = √(tr AB + 2 √det AB). A = diag(1, 4), B = [[2, 1], [1, 2]]: tr AB = 10, det AB = 12.
    a = frechet.Moments(torch.zeros(2).double(), torch.tensor([[1.0, 0.0], [0.0, 4.0]]).double())
    b = frechet.Moments(torch.zeros(2).double(), torch.tensor([[2.0, 1.0], [1.0, 2.0]]).double())
    assert frechet.distance(a, b).item() == pytest.approx(5 + 4 - 2 * math.sqrt(10 + 2 * math.sqrt(12)))


def test_frechet_distance_of_a_sample_from_itself_is_zero_and_from_its_shift_the_square_of_that() -> None:
    points = normal(200, 5)
    assert between(points, points) == pytest.approx(0.0, abs=1e-9)
    assert between(points, points + 2) == pytest.approx(5 * 4.0)


def test_frechet_distance_is_known_where_covariances_are_singular() -> None:
    # Points on an axis each: covariances diag(v, 0) and diag(0, v') share nothing.
    line = torch.tensor([-1.0, 1.0]).double()
    a, b = torch.stack([line, 0 * line], 1), torch.stack([0 * line, 3 * line], 1)
    assert between(a, b) == pytest.approx(2 + 18)  # variances 2 and 18 of two points each


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_distances_of_what_is_not_finite_are_nan_and_end_nobody_else(bad: float) -> None:
    points = normal(3, 40, 4)
    points[1, 7, 2] = bad
    reference = frechet.moments(normal(40, 4, seed=1))
    found = torch.func.vmap(lambda x: frechet.distance(reference, frechet.moments(x)))(points)
    assert found.isnan().tolist() == [False, True, False]
    assert found[2].item() == pytest.approx(frechet.distance(reference, frechet.moments(points[2])).item())
    assert Neighbourhoods(points[0], points[1]).coverage().isnan()
    assert kernels.squared_mmd(points[0], points[1]).isnan()


def test_kernel_distance_of_four_numbers() -> None:
    # x = {0, 1}, y = {1, 2}, d = 1, k = (xy + 1)³: k(0, 1) = 1; k(1, 2) = 27; across 1, 1, 8, 27: mean 37 / 4.
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    assert kernels.squared_mmd(x, y).item() == pytest.approx(1 + 27 - 2 * 37 / 4)


def test_kernel_distance_of_equal_distributions_is_zero_within_its_error() -> None:
    found = torch.stack(
        [
            kernels.squared_mmd(normal(100, 4, seed=seed), normal(100, 4, seed=1000 + seed))
            for seed in range(50)
        ]
    )
    assert abs(found.mean()) < 3 * found.std() / 50**0.5
    assert kernels.squared_mmd(normal(100, 4), 1 + normal(100, 4, seed=1)) > 10 * found.std()


LINE = torch.arange(12.0).unsqueeze(1)
"""Real points 0 … 11. The fifth neighbour of 2 … 9 is 3 away, that of 1 and 10 is 4, that of 0 and 11 is 5."""


def test_points_among_the_real_ones_are_precise_and_cover_where_they_are() -> None:
    generated = 5 + torch.tensor([0.0, 0.01, 0.02, 0.03, 0.04, 0.05]).unsqueeze(1)
    found = Neighbourhoods(LINE, generated)
    assert found.precision().item() == 1.0
    assert found.recall().item() == pytest.approx(1 / 12)  # 5 alone is within 0.03 of one of them
    # 5 is within the balls of 2 … 8, 1 and 0: nine; the five others, which are a little further off, within those of 3 … 8.
    assert found.density().item() == pytest.approx((9 + 5 * 6) / 6 / 5)
    assert found.coverage().item() == pytest.approx(9 / 12)


def test_points_far_off_are_neither_precise_nor_cover() -> None:
    found = Neighbourhoods(LINE, LINE + 1000)
    assert [v.item() for v in (found.precision(), found.recall(), found.density(), found.coverage())] == [
        0
    ] * 4


def test_the_real_points_themselves_are_all_of_it() -> None:
    points = normal(300, 6)
    found = Neighbourhoods(points, points)
    assert [v.item() for v in (found.precision(), found.recall(), found.coverage())] == [1.0] * 3
    assert found.density().item() == pytest.approx(6 / 5)  # each has five others in its ball, and itself


def test_an_outlier_covers_much_by_recall_and_nothing_by_coverage() -> None:
    generated = torch.cat([torch.full((5, 1), 100.0), torch.tensor([[200.0]])])
    found = Neighbourhoods(LINE, generated - 50)
    # The ball of 150 reaches to 50: to no real point; from 90 − 50 = 40 nothing. Balls of the five have radius 0.
    assert found.recall().item() == 0.0
    wide = Neighbourhoods(LINE, torch.cat([torch.full((5, 1), 100.0), torch.tensor([[-100.0]])]))
    assert wide.recall().item() == 1.0  # the ball of −100 reaches to 100
    assert wide.coverage().item() == 0.0


def test_equal_samples_have_the_expected_coverage_and_density() -> None:
    # Naeem et al. 2020, lemma 2: E coverage = 1 − Π (m − i) / (n + m − 1 − i) ≈ 1 − 2^−5; E density = 1.
    found = [Neighbourhoods(normal(400, 3, seed=s), normal(400, 3, seed=99 + s)) for s in range(8)]
    assert torch.stack([f.coverage() for f in found]).mean().item() == pytest.approx(1 - 2**-5, abs=0.01)
    assert torch.stack([f.density() for f in found]).mean().item() == pytest.approx(1.0, abs=0.03)


def test_structural_similarity_of_an_image_with_itself_and_its_negative() -> None:
    image = torch.rand(2, 3, 16, 14, generator=torch.Generator().manual_seed(0))
    assert ssim(image, image).tolist() == pytest.approx([1.0, 1.0])
    assert (ssim(image, 1 - image) < 0).all()


def test_structural_similarity_of_flat_images_is_that_of_their_means() -> None:
    # No variance: (2 · 0.5 · 0.25 + C1) / (0.25 + 0.0625 + C1) with C1 = 1e-4.
    a, b = torch.full((1, 1, 11, 11), 0.5), torch.full((1, 1, 11, 11), 0.25)
    assert ssim(a, b).item() == pytest.approx((0.25 + 1e-4) / (0.3125 + 1e-4))


def test_what_cannot_be_estimated_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 11 × 11 pixels, got \\[8, 8\\]"):
        ssim(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="more than 5 points, got 5 and 9"):
        Neighbourhoods(normal(5, 2), normal(9, 2))
    with pytest.raises(ValueError, match="at least 2 points, got 1 and 3"):
        kernels.squared_mmd(normal(1, 2), normal(3, 2))


class Flat(nn.Module):
    """Images as their own features, or as logits."""

    num_features = 12

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).double()


@pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features:UserWarning")
def test_torchmetrics_agrees_about_distances_of_the_same_features() -> None:
    fids, kids = (pytest.importorskip(f"torchmetrics.image.{name}") for name in ("fid", "kid"))
    real, fake = (torch.rand(300, 1, 3, 4, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    fake = fake * 0.8
    fid = fids.FrechetInceptionDistance(feature=Flat(), normalize=True, input_img_size=(1, 3, 4))
    kid = kids.KernelInceptionDistance(feature=Flat(), normalize=True, subsets=1, subset_size=300)
    for metric in (fid.double(), kid):
        metric.update(real, real=True)
        metric.update(fake, real=False)
    a, b = real.flatten(1), fake.flatten(1)
    assert between(a, b) == pytest.approx(fid.compute().item(), rel=1e-6)
    assert kernels.squared_mmd(a, b).item() == pytest.approx(kid.compute()[0].item(), rel=1e-6)


@pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features:UserWarning")
@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0:UserWarning")
def test_torchmetrics_agrees_about_the_inception_score() -> None:
    image = pytest.importorskip("torchmetrics.image.inception")
    logits = (3 * normal(200, 12) + 9).clamp(0, 255).byte()
    score = image.InceptionScore(feature=Flat(), splits=1)
    score.update(logits.unflatten(1, (1, 3, 4)))
    ours = inception_score(torch.log_softmax(logits.double(), -1)).item()
    assert 2 < ours < 12
    assert ours == pytest.approx(score.compute()[0].item(), rel=1e-6)


def test_torchmetrics_agrees_about_structural_similarity() -> None:
    functional = pytest.importorskip("torchmetrics.functional.image")
    a, b = torch.rand(2, 5, 3, 20, 17, generator=torch.Generator().manual_seed(3)).double()
    b = 0.7 * a + 0.3 * b
    _, windows = functional.structural_similarity_index_measure(
        a, b, data_range=1.0, reduction="none", return_full_image=True
    )
    inside = windows[..., 5:-5, 5:-5]  # theirs reach beyond the image, which they mirror
    assert ssim(a, b).tolist() == pytest.approx(inside.mean((1, 2, 3)).tolist(), abs=1e-9)
