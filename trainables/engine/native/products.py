"""Matrix products of the native kernels (`native/products.cpp`) in place of torch's, in traced functions of ONE model on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from trainables.engine.native import build
from trainables.engine.native.kernels import _library, _long, _native, _pointer

aten = torch.ops.aten

LEAST = 2**15
"""Multiplications below which a product is torch's."""


def _product(start: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """start + a b, [m, n], of a [m, k] and b [k, n]; start is [n] or [m, n], or None for zero."""
    if 1 not in b.stride():
        b = b.contiguous()
    (m, k), n = a.shape, b.shape[1]
    rows = start
    if start is not None and start.stride(-1) != 1:
        rows = start.contiguous()
    c = torch.empty(m, n)
    _native().matrix_product(
        _long(m), _long(n), _long(k), _pointer(a), *map(_long, a.stride()), _pointer(b), *map(_long, b.stride()),
        _pointer(rows), _long(rows.stride(0) if rows is not None and rows.dim() == 2 else 0), _pointer(c),
    )  # fmt: skip
    return c


_library.define("product(Tensor? start, Tensor a, Tensor b) -> Tensor")
_library.impl("product", _product, "CPU")
product = torch.ops.robustness.product.default


@torch.library.register_fake("robustness::product", lib=_library)
def _(start: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    return a.new_empty(len(a), b.shape[1])


def _mm(a: Tensor, b: Tensor) -> Any:
    """`aten.mm`."""
    return product(None, a, b) if _usable(a, b) else NotImplemented


def _addmm(start: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Any:
    """`aten.addmm`."""
    shaped = start.shape in ((b.shape[1],), (len(a), b.shape[1]))
    plain = beta == alpha == 1 and shaped and start.dtype == a.dtype
    return product(start, a, b) if plain and _usable(a, b) else NotImplemented


def _usable(a: Tensor, b: Tensor) -> bool:
    return (
        a.device.type == "cpu"
        and a.dtype == b.dtype == torch.float32
        and a.shape[0] * a.shape[1] * b.shape[1] >= LEAST
        and min(len(a), b.shape[1]) > 1
    )


def table() -> dict[Any, Callable[..., Any]]:
    """torch's products -> the kernels', which return NotImplemented where torch's is taken; empty where there are no kernels."""
    return {} if build.library() is None else {aten.mm.default: _mm, aten.addmm.default: _addmm}


def rewrite(graph: fx.Graph) -> None:
    """Has a product that is added to a matrix begin with it: gradients summed over a layer's several uses."""
    for node in list(graph.nodes):
        if (
            node.target is not aten.add.Tensor
            or node.kwargs
            or not all(isinstance(a, fx.Node) for a in node.args)
        ):
            continue
        for one, other in (node.args, node.args[::-1]):
            if (
                one.target is product
                and one.args[0] is None
                and len(one.users) == 1
                and other.meta["val"].shape == node.meta["val"].shape == one.meta["val"].shape
                and other.meta["val"].dtype == torch.float32
            ):
                with graph.inserting_before(node):
                    fused = graph.call_function(product, (other, *one.args[1:]))
                fused.meta = node.meta
                node.replace_all_uses_with(fused)
                graph.erase_node(node)
                graph.erase_node(one)
                break
