"""Nearest-neighbour estimates of KL(q‖p) and of entropy: by hand, against closed forms, and of samples with ties."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from trainables.estimators.neighbours import entropy, kl_divergence


def gaussian(n: int, d: int, seed: int, mean: float = 0.0, deviation: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return mean + deviation * torch.randn(n, d, generator=generator, dtype=torch.float64)


def closed_form(d: int, mean: float, deviation: float) -> float:
    """KL(N(0, I) ‖ N(m·1, s² I)) = d (log s + (1 + m²) / 2s² − ½)."""
    return d * (math.log(deviation) + (1 + mean**2) / (2 * deviation**2) - 0.5)


def test_kl_divergence_by_hand_in_one_dimension() -> None:
    # q = 0, 1, 3 and p = −4, 8; m / (n − 1) = 1.
    q, p = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[-4.0], [8.0]])
    # k = 1: ρ = 1, 1, 2 and ν = 4, 5, 5.
    assert kl_divergence(q, p, k=1).item() == pytest.approx(math.log(4 * 5 * 5 / 2) / 3)
    # k = 2: ρ = 3, 2, 3 and ν = 8, 7, 7.
    assert kl_divergence(q, p, k=2).item() == pytest.approx(math.log(8 * 7 * 7 / (3 * 2 * 3)) / 3)


def test_kl_divergence_by_hand_in_two_dimensions() -> None:
    # q = (0, 0), (3, 4): ρ = 5, 5. Nearest of p to either: (0, 2), at ν = 2 and √(9 + 4). d / n = 1, m / (n − 1) = 3.
    q, p = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 2.0], [6.0, 8.0], [9.0, 12.0]])
    assert kl_divergence(q, p, k=1).item() == pytest.approx(math.log(2 * math.sqrt(13) / 25) + math.log(3))


@pytest.mark.parametrize(
    ("d", "mean", "deviation", "tolerance"),
    [
        # 2,000 points each. In one and two dimensions ten pairs of samples had biases up to 0.035 in size and standard
        # deviations up to 0.03: 0.1 grants the bias and more than two deviations.
        (1, 1.0, 1.0, 0.1),  # 0.5
        (1, 0.0, 2.0, 0.1),  # log 2 + 1/8 − 1/2 = 0.318
        (2, 0.7, 1.0, 0.1),  # 2 · 0.49 / 2 = 0.49
        (2, 0.0, 1.5, 0.1),  # 2 (0.405 + 0.222 − 0.5) = 0.255
        # In ten the bias is −0.13, as the balls reach over both densities, and the standard deviation 0.03.
        (10, 0.3, 1.0, 0.2),  # 10 · 0.09 / 2 = 0.45
    ],
)
def test_kl_divergence_of_gaussians_is_near_its_closed_form(
    d: int, mean: float, deviation: float, tolerance: float
) -> None:
    found = kl_divergence(gaussian(2000, d, 1), gaussian(2000, d, 2, mean, deviation))
    assert found.item() == pytest.approx(closed_form(d, mean, deviation), abs=tolerance)


@pytest.mark.parametrize("d", [1, 2, 10])
def test_kl_divergence_of_equal_distributions_is_near_zero(d: int) -> None:
    # Standard deviation 0.03 in ten dimensions, less in fewer; the biases of both densities cancel.
    assert kl_divergence(gaussian(2000, d, 3), gaussian(2000, d, 4)).item() == pytest.approx(0, abs=0.1)


def test_kl_divergence_grows_with_the_shift_in_ten_dimensions() -> None:
    # Closed forms 0, 0.45, 1.8 and 7.2.
    q = gaussian(1000, 10, 5)
    found = [kl_divergence(q, gaussian(1000, 10, 6, mean)).item() for mean in (0.0, 0.3, 0.6, 1.2)]
    assert all(after - before > 0.2 for before, after in pairwise(found))


def test_kl_divergence_is_asymmetric() -> None:
    # Uniform on [0, ½] against [0, 1]: log 2.
    generator = torch.Generator().manual_seed(7)
    narrow, wide = torch.rand(2, 2000, 1, generator=generator, dtype=torch.float64) * torch.tensor(
        [[[0.5]], [[1]]]
    )
    assert kl_divergence(narrow, wide).item() == pytest.approx(math.log(2), abs=0.05)
    # The other way inf, and the estimate what the points can tell. Half of them lie where p is twice as dense: −log 2.
    # The others lie ν from ½, uniform on [0, ½]: E log ν = log ½ − 1 = −1.693. There 2ρ·2000 has E log = ψ(5) = 1.506
    # (gamma, shape 5), so E log ρ = 1.506 − log 4000 = −6.788. (−0.693 − 1.693 + 6.788) / 2 = 2.20.
    assert kl_divergence(wide, narrow).item() == pytest.approx(2.20, abs=0.1)


def test_kl_divergence_of_a_part_of_the_space_against_all_of_it() -> None:
    # Samples of other sizes: uniform on a quarter of the square, KL = log 4 whatever n and m.
    generator = torch.Generator().manual_seed(8)
    q = torch.rand(1000, 2, generator=generator, dtype=torch.float64) / 2
    p = torch.rand(3000, 2, generator=generator, dtype=torch.float64)
    assert kl_divergence(q, p).item() == pytest.approx(math.log(4), abs=0.1)


ROTATION = torch.linalg.qr(gaussian(3, 3, 9)).Q


@pytest.mark.parametrize(
    "move",
    [lambda x: x + 100.0, lambda x: x @ ROTATION, lambda x: x * 1e-6],
    ids=["shift", "rotation", "scale"],
)
def test_kl_divergence_is_invariant_when_both_samples_move(move: Callable[[Tensor], Tensor]) -> None:
    q, p = gaussian(300, 3, 10), gaussian(400, 3, 11, 0.5)
    assert kl_divergence(move(q), move(p)).item() == pytest.approx(kl_divergence(q, p).item(), abs=1e-9)


def test_kl_divergence_is_accurate_for_points_close_together_and_far_from_zero() -> None:
    # q = c + 2⁻²⁰ · (0, 1, 3), p = c + 2⁻²⁰ · (−4, 8) as by hand above: by matrix products, |x|² − 2xy + |y|² with
    # |x|² = 2⁴⁰ would leave nothing of squares near 2⁻⁴⁰.
    q, p = torch.tensor([[0.0], [1.0], [3.0]]).double(), torch.tensor([[-4.0], [8.0]]).double()
    found = kl_divergence(2.0**20 + q * 2.0**-20, 2.0**20 + p * 2.0**-20, k=1)
    assert found.item() == pytest.approx(math.log(4 * 5 * 5 / 2) / 3)


@pytest.mark.parametrize("rows", [1, 7, 100, 299, 300, 5000])
def test_kl_divergence_is_the_same_to_the_bit_in_chunks_of_any_size(rows: int) -> None:
    q, p = gaussian(300, 3, 12), gaussian(400, 3, 13, 0.5)
    assert torch.equal(kl_divergence(q, p, rows=rows), kl_divergence(q, p))


def test_kl_divergence_is_a_double_without_gradient_of_floats_too() -> None:
    q, p = gaussian(50, 2, 14).float().requires_grad_(), gaussian(50, 2, 15).float()
    found = kl_divergence(q, p)
    assert (found.dtype, found.shape, found.requires_grad) == (torch.float64, (), False)
    assert torch.equal(found, kl_divergence(q.detach().double(), p.double()))


def test_kl_divergence_is_infinite_when_q_has_an_atom() -> None:
    # k + 1 = 3 copies of a point: two others at distance 0. With two copies the second neighbour is another point.
    q, p = gaussian(100, 2, 16), gaussian(100, 2, 17)
    q[1] = q[0]
    assert kl_divergence(q, p, k=2).isfinite()
    q[2] = q[0]
    assert kl_divergence(q, p, k=2).item() == math.inf
    assert kl_divergence(q[:1].expand(100, 2), p).item() == math.inf  # a collapsed generator


@pytest.mark.parametrize("copies_in_q", [1, 3])
def test_kl_divergence_refuses_ties_of_q_with_p(copies_in_q: int) -> None:
    q, p = gaussian(100, 2, 18), gaussian(100, 2, 19)
    q[:copies_in_q] = q[0]
    p[0] = q[0]
    assert kl_divergence(q, p, k=3).isfinite()  # one copy in p is not three
    p[:2] = q[0]
    with pytest.raises(ValueError, match=f"got 2 or more copies in p of {copies_in_q} points of q"):
        kl_divergence(q, p, k=2)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_kl_divergence_of_points_that_are_not_finite_is_nan(bad: float, which: int) -> None:
    samples = gaussian(100, 2, 20), gaussian(100, 2, 21)
    samples[which][3, 1] = bad
    assert math.isnan(kl_divergence(*samples).item())


@pytest.mark.parametrize(
    ("q", "p", "k", "rows", "message"),
    [
        ((9, 2), (9, 3), 1, 1, r"with the same d >= 1, got \[9, 2\] and \[9, 3\]"),
        ((9,), (9,), 1, 1, r"with the same d >= 1, got \[9\] and \[9\]"),
        ((9, 0), (9, 0), 1, 1, r"with the same d >= 1, got \[9, 0\] and \[9, 0\]"),
        ((9, 2), (9, 2), 0, 1, "k and rows must be >= 1, got 0 and 1"),
        ((9, 2), (9, 2), 1, 0, "k and rows must be >= 1, got 1 and 0"),
        ((5, 2), (9, 2), 5, 1, "k = 5 neighbours need n >= 6 and m >= 5, got 5 and 9: take a smaller k"),
        ((9, 2), (4, 2), 5, 1, "k = 5 neighbours need n >= 6 and m >= 5, got 9 and 4: take a smaller k"),
    ],
)
def test_kl_divergence_refuses_arguments_out_of_range(
    q: tuple[int, ...], p: tuple[int, ...], k: int, rows: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kl_divergence(torch.zeros(q), torch.zeros(p), k, rows=rows)


def test_kl_divergence_works_with_the_fewest_points() -> None:
    assert kl_divergence(gaussian(6, 2, 22), gaussian(5, 2, 23)).isfinite()


# Entropy


def test_entropy_by_hand_in_one_dimension() -> None:
    # 0, 1, 3 with ρ = 1, 1, 2; ψ(3) − ψ(1) = 1 + 1/2; the unit ball is 2 long. Whitening scales there and back.
    q = torch.tensor([[0.0], [1.0], [3.0]])
    assert entropy(q, k=1).item() == pytest.approx(1.5 + math.log(2) + math.log(2) / 3)


def test_entropy_by_hand_in_two_dimensions() -> None:
    # The corners of a square of side 2, and twice as long: whitened, a square again.
    # ψ(4) − ψ(1) = 1 + 1/2 + 1/3, the unit ball is π, ρ = 2 and d/n Σ log ρ = 2 log 2.
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    expected = 11 / 6 + math.log(math.pi) + 2 * math.log(2)
    assert entropy(square, k=1).item() == pytest.approx(expected)
    assert entropy(square * torch.tensor([2.0, 1.0]), k=1).item() == pytest.approx(expected + math.log(2))


def narrow_factor(d: int) -> Tensor:
    """L of a covariance L Lᵀ whose axes are oblique and whose deviations along them run from 1 to 1/50."""
    return torch.linalg.qr(gaussian(d, d, 30)).Q @ torch.diag(torch.logspace(0, -math.log10(50), d).double())


@pytest.mark.parametrize("d", [1, 2, 10])
def test_entropy_of_a_narrow_oblique_gaussian_is_near_its_closed_form(d: int) -> None:
    factor = narrow_factor(d)
    exact = d / 2 * math.log(2 * math.pi * math.e) + torch.linalg.slogdet(factor).logabsdet.item()
    assert entropy(gaussian(5000, d, 31) @ factor.T).item() == pytest.approx(exact, abs=0.05)


def test_entropy_of_two_modes_is_near_that_of_their_density_when_each_is_whitened_apart() -> None:
    # ½ N(m, L Lᵀ) + ½ N(−m, L Lᵀ), m three deviations along the widest axis: exact by −log of the density at 200,000 points.
    d, factor = 10, narrow_factor(10)
    mean = 3 * factor[:, 0]
    normal = torch.distributions.MultivariateNormal(mean, factor @ factor.T)

    def drawn(n: int, seed: int) -> Tensor:
        x = mean + gaussian(n, d, seed) @ factor.T
        return x * torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).unsqueeze(1)

    many, q = drawn(200_000, 32), drawn(10_000, 33)
    log_density = torch.logaddexp(normal.log_prob(many), normal.log_prob(-many)) - math.log(2)
    exact = -log_density.mean().item()
    side = q @ mean > 0
    apart = math.log(2) + (entropy(q[side], k=1) + entropy(q[~side], k=1)).item() / 2
    assert apart == pytest.approx(exact, abs=0.05)
    assert entropy(q).item() > exact + 0.2  # as one, too high


def test_entropy_of_an_affine_image_is_more_by_the_logarithm_of_its_determinant() -> None:
    q, map_ = gaussian(300, 3, 34), gaussian(3, 3, 35)
    expected = entropy(q).item() + torch.linalg.slogdet(map_).logabsdet.item()
    assert entropy(q @ map_.T + 100.0).item() == pytest.approx(expected, abs=1e-9)
    assert entropy(q * 1e-20).item() == pytest.approx(entropy(q).item() - 60 * math.log(10), abs=1e-9)


def test_entropy_is_minus_infinite_when_points_have_no_density() -> None:
    q = gaussian(100, 3, 36)
    assert entropy(q[:1].expand(100, 3)).item() == -math.inf  # one point
    assert entropy(q[:, :1] * torch.tensor([[1.0, 2.0, 3.0]])).item() == -math.inf  # a line
    assert entropy(torch.cat([q[:, :2], q[:, :1] + q[:, 1:2]], 1)).item() == -math.inf  # a plane
    q[1:3] = q[0]
    assert entropy(q, k=3).isfinite()
    assert entropy(q, k=2).item() == -math.inf  # two others in the very place


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_entropy_of_points_that_are_not_finite_is_nan(bad: float) -> None:
    q = gaussian(100, 2, 37)
    q[3, 1] = bad
    assert math.isnan(entropy(q).item())


def test_entropy_is_a_double_without_gradient_the_same_in_chunks_of_any_size() -> None:
    q = gaussian(300, 3, 38).float().requires_grad_()
    estimate = entropy(q)
    assert (estimate.dtype, estimate.shape, estimate.requires_grad) == (torch.float64, (), False)
    assert all(torch.equal(entropy(q, rows=rows), estimate) for rows in (1, 7, 299, 5000))


@pytest.mark.parametrize(
    ("q", "k", "rows", "message"),
    [
        ((9,), 1, 1, r"must be \[n, d\] with d >= 1, got \[9\]"),
        ((9, 0), 1, 1, r"must be \[n, d\] with d >= 1, got \[9, 0\]"),
        ((9, 2), 0, 1, "k and rows must be >= 1, got 0 and 1"),
        ((9, 2), 1, 0, "k and rows must be >= 1, got 1 and 0"),
        ((5, 2), 5, 1, "k = 5 neighbours in 2 dimensions need n >= 6, got 5: take more points"),
        ((9, 9), 5, 1, "k = 5 neighbours in 9 dimensions need n >= 10, got 9: take more points"),
    ],
)
def test_entropy_refuses_arguments_out_of_range(q: tuple[int, ...], k: int, rows: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entropy(torch.zeros(q), k, rows=rows)
