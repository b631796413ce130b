"""The native kernels' matrix products against torch's, alone and in a traced gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.fx import GraphModule

from trainables.engine.native import build, products
from trainables.engine.traced.graph import trace

pytestmark = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")

SIZES = [(1, 64, 33), (32, 64, 96), (33, 100, 65), (50, 37, 640), (7, 320, 31)]


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("start", [None, "row", "matrix", "transposed matrix"])
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_products_are_torchs(
    m: int, k: int, n: int, start: str | None, transposed: tuple[bool, bool]
) -> None:
    a = drawn(k, m).t() if transposed[0] else drawn(m, k)
    b = drawn(n, k).t() if transposed[1] else drawn(k, n)
    added = {None: None, "row": drawn(n), "matrix": drawn(m, n), "transposed matrix": drawn(n, m).t()}[start]
    exact = a.double() @ b.double() + (0 if added is None else added.double())
    mine = products.product(added, a, b)
    assert (mine.double() - exact).abs().max() <= 3e-6 * exact.abs().max()
    assert torch.equal(mine, products.product(added, a, b))


def test_a_product_of_columns_of_a_larger_matrix_reads_no_others() -> None:
    a, b = drawn(32, 200)[:, 3:67], drawn(64, 200)[:, 5:101]
    exact = a.double() @ b.double()
    assert (products.product(None, a, b).double() - exact).abs().max() <= 3e-6 * exact.abs().max()


def test_gradients_of_a_layer_that_is_used_twice_are_one_product_on_another() -> None:
    net = nn.Sequential(nn.Linear(96, 256), nn.ReLU(), nn.Linear(256, 96))
    names = [name for name, _ in net.named_parameters()]

    def loss(x: Tensor, *values: Tensor) -> Tensor:
        state = dict(zip(names, values, strict=True))
        return functional_call(net, state, (functional_call(net, state, (x,)),)).square().mean()

    def gradients(x: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        return grad(loss, tuple(range(1, 5)))(x, *values)

    values = (drawn(32, 96), *(value.detach() for value in net.parameters()))
    traced = trace(gradients, values, products.table(), products.rewrite)
    graph = traced.__self__  # type: ignore[attr-defined]
    assert isinstance(graph, GraphModule)
    found = [node for node in graph.graph.nodes if node.target is products.product]
    assert len(found) == 11  # four forwards, three ways back, four gradients
    assert (
        sum(node.args[0] is not None for node in found) == 6
    )  # biases, and the second gradient of each weight
    assert not any(
        node.target is torch.ops.aten.add.Tensor and node.meta["val"].dim() == 2 for node in graph.graph.nodes
    )
    for mine, exact in zip(traced(*values), gradients(*values), strict=True):
        torch.testing.assert_close(mine, exact, rtol=1e-4, atol=1e-6)


def test_small_products_and_other_numbers_are_torchs() -> None:
    table = products.table()
    mm, addmm = torch.ops.aten.mm.default, torch.ops.aten.addmm.default
    assert table[mm](drawn(4, 8), drawn(8, 4)) is NotImplemented
    assert table[mm](drawn(64, 64).double(), drawn(64, 64).double()) is NotImplemented
    assert table[addmm](drawn(64), drawn(64, 64), drawn(64, 64), beta=2) is NotImplemented
    assert table[addmm](drawn(1), drawn(64, 64), drawn(64, 64)) is NotImplemented
