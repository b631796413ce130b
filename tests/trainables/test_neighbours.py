"""The nearest-neighbour estimate of KL(q‖p): by hand, against closed forms, and of samples with ties."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from trainables.neighbours import kl_divergence


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
