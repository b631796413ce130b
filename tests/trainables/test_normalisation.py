"""Batch normalisation by the native kernels against torch's, with and without the ReLU after it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.fx import GraphModule

from trainables.engine.native import build, convolutions, normalisation
from trainables.engine.traced.graph import Traced, trace

pytestmark = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")


def gradient(net: nn.Module) -> Traced:
    """(x, parameters, buffers) -> gradients of the parameters and the buffers after."""
    names, kept = [n for n, _ in net.named_parameters()], [n for n, _ in net.named_buffers()]

    def function(x: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        parameters = dict(zip(names, values[: len(names)], strict=True))

        def loss(parameters: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
            state = {n: v.clone() for n, v in zip(kept, values[len(names) :], strict=True)}
            return functional_call(net.train(), {**parameters, **state}, (x,)).square().mean(), state

        gradients, state = grad(loss, has_aux=True)(parameters)
        return (*gradients.values(), *state.values())

    return function


@pytest.mark.parametrize("after", [nn.ReLU(), nn.Tanh(), nn.Identity()], ids=["ReLU", "tanh", "nothing"])
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_normalisation_and_its_gradients_are_torchs(after: nn.Module, offset: float) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), after, nn.Conv2d(24, 8, 3, 1, 1, bias=False),
        nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 5, bias=False), nn.BatchNorm1d(5), after,
    )  # fmt: skip
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    values = (torch.rand(96, 1, 8, 8) + offset, *(p.detach() for p in net.parameters()), *net.buffers())
    mine = trace(gradient(net), values, convolutions.table(), normalisation.rewrite)
    graph = mine.__self__
    assert isinstance(graph, GraphModule)
    targets = [str(node.target) for node in graph.graph.nodes]
    assert (
        targets.count("robustness.normalise.default")
        == targets.count("robustness.normalise_backward.default")
        == 3
    )
    assert targets.count("aten.relu.default") == 0
    assert not any("batch_norm" in target for target in targets)
    exact = gradient(net.double())(
        *(value.double() if value.is_floating_point() else value for value in values)
    )
    for a, b in zip(mine(*values), exact, strict=True):
        assert torch.allclose(
            a.double(), b.double(), rtol=1e-3, atol=max(2e-6, 1e-3 * float(b.abs().max()))
        ), (a, b)


def test_evaluation_is_left_to_torch() -> None:
    net = nn.BatchNorm1d(4).eval()
    values = [value.detach() for value in (*net.parameters(), *net.buffers())][:4]

    def function(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor]:
        return (nn.functional.batch_norm(x, mean, variance, weight, bias),)

    traced = trace(function, (torch.randn(32, 4), *values), None, normalisation.rewrite)
    graph = traced.__self__
    assert isinstance(graph, GraphModule)
    assert not any("robustness" in str(node.target) for node in graph.graph.nodes)
