import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from trainables.models import densities, planar
from trainables.models.bisection import bisected
from trainables.models.spec import GAUSSIAN_ENCODER, Net

LENGTH, D = 3, 2
BENT = Net(("x",), "z", explicit=True, flow=LENGTH)


def flow(seed: int = 0, points: int = 5, scale: float = 1.5) -> tuple[Tensor, Tensor]:
    """Points and flow parameters, in float64."""
    generator = torch.Generator().manual_seed(seed)
    given = (
        torch.randn(points, planar.parameters(D, LENGTH), generator=generator, dtype=torch.float64) * scale
    )
    return torch.randn(points, D, generator=generator, dtype=torch.float64), given


def test_a_layer_is_what_rezende_and_mohamed_write() -> None:
    # w = (1, 0), u = (2, 1), b = 0.5 at z = (0.5, 3): w·u = 2, c = −1 + log(1 + (e − 1) e²); û = u + (c − 2) w
    z, given = torch.tensor([[0.5, 3.0]]), torch.tensor([[2.0, 1.0, 1.0, 0.0, 0.5]])
    c, h = math.log(1 + (math.e - 1) * math.e**2) - 1, math.tanh(1.0)
    image, log_det = planar.forward(z, given, 1)
    torch.testing.assert_close(image, torch.tensor([[0.5 + c * h, 3.0 + h]]))
    assert log_det.item() == pytest.approx(math.log(1 + c * (1 - h * h)), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_determinant_is_that_of_the_jacobian(seed: int) -> None:
    z, given = flow(seed)
    _, log_det = planar.forward(z, given, LENGTH)
    for i in range(len(z)):
        jacobian = torch.autograd.functional.jacobian(
            lambda at, i=i: planar.forward(at, given[i], LENGTH)[0], z[i]
        )  # type: ignore[no-untyped-call]
        assert log_det[i].item() == pytest.approx(torch.linalg.det(jacobian).log().item(), abs=1e-9)


@pytest.mark.parametrize("scale", [0.1, 1.5, 4.0])
def test_the_inverse_undoes_the_flow_however_strong(scale: float) -> None:
    z, given = flow(1, 200, scale)
    image, log_det = planar.forward(z, given, LENGTH)
    back, again = planar.inverse(image, given, LENGTH)
    # Where a map is nearly flat (slope 1e-6 for w·u = −14) a place is known as well as its image divided by that.
    error = (planar.forward(back, given, LENGTH)[0] - image).abs()
    assert error.max() < 1e-6
    sound = log_det > -3
    assert sound.double().mean() > 0.3
    torch.testing.assert_close(back[sound], z[sound], rtol=0, atol=1e-5)
    torch.testing.assert_close(again[sound], log_det[sound], rtol=0, atol=1e-5)


def test_the_inverse_has_the_gradient_of_the_exact_solution() -> None:
    z, given = flow(2, 4, 0.7)
    image = planar.forward(z, given, LENGTH)[0].detach()

    def back(image: Tensor, given: Tensor) -> Tensor:
        found, log_det = planar.inverse(image, given, LENGTH)
        return torch.cat([found, log_det.unsqueeze(-1)], -1)

    arguments = (image.requires_grad_(True), given.requires_grad_(True))
    assert torch.autograd.gradcheck(back, arguments, eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("net", [BENT, replace(BENT, full_rank=True)], ids=["diagonal", "full_rank"])
def test_a_bent_density_integrates_to_one_and_is_that_of_its_samples(net: Net) -> None:
    generator = torch.Generator().manual_seed(3)
    given = torch.randn(densities.size(D, net), generator=generator, dtype=torch.float64)
    axis = torch.linspace(-12, 12, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    density = densities.log_density(grid, given.expand(len(grid), -1), net).exp()
    assert density.sum().item() * (axis[1] - axis[0]).item() ** 2 == pytest.approx(1.0, abs=2e-3)
    noise = torch.randn(500, D, generator=generator, dtype=torch.float64)
    value, log_q = densities.sample_and_log_density(given.expand(500, -1), noise, net)
    torch.testing.assert_close(densities.log_density(value, given.expand(500, -1), net), log_q)


def test_a_flow_of_no_length_is_the_gaussian() -> None:
    noise, given = torch.randn(7, D), torch.randn(7, 2 * D)
    value, log_q = densities.sample_and_log_density(given, noise, GAUSSIAN_ENCODER)
    torch.testing.assert_close(densities.log_density(value, given, GAUSSIAN_ENCODER), log_q)
    mean, log_variance = given.chunk(2, -1)
    expected = torch.distributions.Normal(mean, (0.5 * log_variance).exp()).log_prob(value).sum(-1)
    torch.testing.assert_close(log_q, expected)


@pytest.mark.parametrize("bent", [planar.forward, planar.inverse])
def test_a_flow_of_one_condition_bends_any_number_of_points(
    bent: Callable[..., tuple[Tensor, Tensor]],
) -> None:
    z, given = flow(points=4)
    for ours, theirs in zip(bent(z, given[0], LENGTH), bent(z, given[:1].expand(4, -1), LENGTH), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_flow_of_eighty_layers_is_eighty_flows_of_one_and_inverts() -> None:
    generator = torch.Generator().manual_seed(4)
    one = planar.parameters(D, 1)
    given = 0.3 * torch.randn(6, 80 * one, generator=generator, dtype=torch.float64)
    z = torch.randn(6, D, generator=generator, dtype=torch.float64)
    image, log_det = planar.forward(z, given, 80)
    step, total = z, torch.zeros(6, dtype=torch.float64)
    for layer in given.split(one, -1):
        step, more = planar.forward(step, layer, 1)
        total = total + more
    torch.testing.assert_close(image, step)
    torch.testing.assert_close(log_det, total)
    torch.testing.assert_close(planar.inverse(image, given, 80)[0], z, rtol=0, atol=1e-5)


def test_bisection_is_one_operation_that_is_vectorised_over_members() -> None:
    generator = torch.Generator().manual_seed(0)
    target, c = (torch.randn(3, 5, 1, generator=generator, dtype=torch.float64) for _ in range(2))
    c = c.exp() - 0.9
    found = torch.func.vmap(lambda t: bisected(t, c[0], 40), in_dims=0)(target)
    torch.testing.assert_close(found + c[0] * torch.tanh(found), target)
    moved = torch.func.vmap(lambda t, c: bisected(t, c, 40), in_dims=(1, 0), out_dims=1)(
        target.movedim(0, 1), c
    )
    assert torch.equal(
        moved.movedim(1, 0), torch.stack([bisected(*each, 40) for each in zip(target, c, strict=True)])
    )
