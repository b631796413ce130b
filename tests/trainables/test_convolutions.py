"""The native kernels' convolutions against torch's, alone and in training."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.fx import GraphModule

from trainables.engine import gradients
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.native import build, convolutions
from trainables.engine.traced.graph import trace
from trainables.networks.base import Network, Ports
from trainables.runs import Configuration, Run

sys.path.append(str(Path(__file__).parents[1] / "somebodys"))  # as an installed package is

pytestmark = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")

aten = torch.ops.aten

SIZES = [
    pytest.param(inner, outer, kernel, stride, padding, id=f"{inner}-{outer}-k{kernel}-s{stride}-p{padding}")
    for inner, outer, (kernel, stride, padding) in itertools.product(
        (1, 3, 16, 33), (3, 16, 33, 64), ((1, 1, 0), (3, 1, 1), (3, 2, 1), (4, 2, 1), (5, 2, 2), (5, 3, 0))
    )
]


def kernels(operation: object, *arguments: object) -> object:
    return convolutions.table()[operation](*arguments)


def close(mine: Tensor, exact: Tensor) -> bool:
    """Within the rounding of sums of float32."""
    return bool((mine.double() - exact).abs().max() <= 3e-6 * exact.abs().max().clamp(min=1))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("inner", "outer", "kernel", "stride", "padding"), SIZES)
def test_convolutions_and_their_gradients_are_torchs(
    inner: int, outer: int, kernel: int, stride: int, padding: int, transposed: bool
) -> None:
    draw = torch.Generator().manual_seed(inner * outer + kernel)
    sizes = (inner, outer) if transposed else (outer, inner)
    x = torch.randn(3, inner, 7, 8, generator=draw)
    weight = torch.randn(*sizes, kernel, kernel, generator=draw) / (inner * kernel**2) ** 0.5
    bias = torch.randn(outer, generator=draw)
    further = ([stride] * 2, [padding] * 2, [1, 1], transposed, [int(transposed and stride > 1)] * 2, 1)
    exact = aten.convolution(x.double(), weight.double(), bias.double(), *further)
    mine = kernels(aten.convolution.default, x, weight, bias, *further)
    if mine is NotImplemented:
        assert sizes[0] < convolutions.FEW
        return
    assert close(mine, exact)
    assert mine.is_contiguous(memory_format=torch.channels_last)
    error = torch.randn(*exact.shape, generator=draw) / exact[0].numel() ** 0.5
    of_torch = aten.convolution_backward(
        error.double(), x.double(), weight.double(), [outer], *further, [True] * 3
    )
    of_kernels = kernels(aten.convolution_backward.default, error, x, weight, [outer], *further, [True] * 3)
    assert all(close(a, b) for a, b in zip(of_kernels, of_torch, strict=True))


def test_an_image_has_the_same_bits_in_every_batch() -> None:
    x, weight = torch.randn(8, 3, 9, 9), torch.randn(40, 3, 3, 3)
    further = (None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1)
    together = kernels(aten.convolution.default, x, weight, *further)
    alone = torch.cat([kernels(aten.convolution.default, one, weight, *further) for one in x.split(1)])
    assert torch.equal(together, alone)


def test_what_the_kernels_have_not_is_torchs() -> None:
    grouped = nn.Conv2d(16, 16, 3, groups=2)
    x = torch.randn(2, 16, 6, 6)
    with torch.inference_mode():
        plain = grouped(x)
        with convolutions.Applied():
            assert torch.equal(grouped(x), plain)


def test_evaluation_takes_the_kernels_under_transforms_too() -> None:
    net = nn.Sequential(nn.Linear(4, 16 * 9), nn.Unflatten(1, (16, 3, 3)), nn.ConvTranspose2d(16, 8, 4, 2, 1))
    z = torch.randn(5, 2, 4)

    def value(z: Tensor) -> Tensor:
        return net(z).square().sum()

    plain = vmap(grad(value))(z)
    with convolutions.Applied():
        mine = vmap(grad(value))(z)
    assert not torch.equal(mine, plain)  # other sums, so that it is they
    assert torch.allclose(mine, plain, rtol=1e-4, atol=1e-5)


def test_a_traced_gradient_holds_the_kernels() -> None:
    def loss(first: Tensor, second: Tensor, x: Tensor) -> Tensor:
        hidden = nn.functional.conv2d(x, first, stride=2, padding=1).relu()
        return nn.functional.conv2d(hidden, second, stride=2, padding=1).square().sum()

    draw = torch.Generator().manual_seed(0)
    shapes = ((16, 1, 3, 3), (16, 16, 3, 3), (2, 1, 8, 8))
    arguments = tuple(torch.randn(*shape, generator=draw) for shape in shapes)
    traced = trace(grad(loss, argnums=(0, 1)), arguments, convolutions.table())
    graph = traced.__self__
    assert isinstance(graph, GraphModule)
    found = {str(node.target) for node in graph.graph.nodes if node.op == "call_function"}
    assert {f"robustness.conv_{name}.default" for name in ("gather", "scatter", "weights")} <= found
    assert not any(name.startswith("aten.convolution") for name in found)
    plain = trace(grad(loss, argnums=(0, 1)), arguments)(*arguments)
    for mine, torchs in zip(traced(*arguments), plain, strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-4, atol=1e-4)


class Viewing(nn.Module):
    """Views what a convolution gives as torch lays it, which channels-last images do not allow."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 16, 3, 2, 1), nn.Linear(16 * 16, outputs)

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        return self.last(self.first(x.view(-1, 1, 8, 8)).relu().view(len(x), -1))


class Views(Network):
    name = "views"

    def build(self, ports: Ports) -> nn.Module:
        return Viewing(ports.outputs)


def configuration(**networks: str | int | float) -> Configuration:
    return Configuration(depth=1, width=32, batch_size=32, steps=1, learning_rate=1e-3, beta1=0.5, **networks)


def gradients_of(run: Run, native: bool) -> list[Tensor]:
    """Of every player at the start, with the buffers after its step and its loss."""
    cohort = Cohort([run], torch.device("cpu"), native=native)
    block = Block([run], 0, torch.device("cpu"))
    with torch.inference_mode():
        found = [
            gradients.member_gradients(cohort, 0, player, block.x[0, 0], block.noise[0, 0], None)
            for player in cohort.form.players
        ]
    return [value for values in found for value in values]


@pytest.mark.parametrize(
    ("algorithm", "networks"),
    [
        (
            "svae_r",
            {"encoder": "tests.trainables.test_convolutions:Views", "critic_depth": 1, "critic_dropout": 0.0},
        ),
        ("wgan_gp", {"critic": "my_lab.convolutional:Convolutional", "channels": 16}),
    ],
    ids=["a network that views", "differentiated twice"],
)
def test_gradients_of_a_system_on_the_kernels_are_torchs(
    algorithm: str, networks: dict[str, str | int | float]
) -> None:
    run = Run("test", algorithm, 0.1, 0, configuration(**networks), 20, data="digits_grey")
    mine, plain = gradients_of(run, native=True), gradients_of(run, native=False)
    assert any(
        not torch.equal(a, b) for a, b in zip(mine, plain, strict=True)
    )  # other sums, so that it is they
    for a, b in zip(mine, plain, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=float(1e-5 * b.abs().max()))
