"""Strips a vectorised, differentiated function to the tensor operations it performs.

`vmap(grad(loss))` spends half its time deciding what to do: functorch interpreters, autograd's tape,
views that change nothing. Traced once, the same operations run as a flat list. Measured against
torch.compile's Inductor on the study's shapes it is as fast (`docs/performance.md`), takes 1 s
instead of 20-40 s per graph, and needs no C++ compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

aten = torch.ops.aten


Traced = Callable[..., tuple[Tensor, ...]]


def trace(
    function: Traced,
    example: Sequence[Tensor],
    replaced: Mapping[Any, Callable[..., Any]] | None = None,
    rewrite: Callable[[fx.Graph], None] = lambda graph: None,
) -> Traced:
    """`function` as a flat graph of aten operations, valid for arguments shaped like `example`.

    Arguments and results are flat tuples of tensors; the graph never writes to its arguments.

    Args:
        function: what is traced.
        example: its arguments.
        replaced: aten operation -> what computes it instead, or returns NotImplemented.
        rewrite: changes the graph before it is made faster.
    """
    module = make_fx(function, decomposition_table=dict(replaced or {}), tracing_mode="fake")(*example)
    _drop_identities(module.graph)
    rewrite(module.graph)
    _fuse_sums_of_products(module.graph)
    _reuse_memory(module.graph)
    module.graph.eliminate_dead_code()
    module.recompile()
    forward: Traced = module.forward  # skips nn.Module.__call__'s hooks
    return forward


def _value(node: fx.Node) -> Tensor:
    value = node.meta["val"]
    assert isinstance(value, Tensor)
    return value


def _replace(old: fx.Node, new: fx.Node) -> None:
    old.replace_all_uses_with(new)
    old.graph.erase_node(old)


def _drop_identities(graph: fx.Graph) -> None:
    """Views to the shape that is there already, transposes of transposes, and products with one."""
    views = {aten.view.default, aten._unsafe_view.default, aten.expand.default, aten.detach.default}
    for node in list(graph.nodes):
        if node.op != "call_function" or not node.args or not isinstance(node.args[0], fx.Node):
            continue
        source = node.args[0]
        if node.target in views:
            new, old = _value(node), _value(source)
            if new.shape == old.shape and new.stride() == old.stride():
                _replace(node, source)
        elif node.target is aten.mul.Scalar and node.args[1] == 1:
            _replace(node, source)
        elif node.target is source.target is aten.t.default:
            _replace(node, source.all_input_nodes[0])
            if not source.users:
                graph.erase_node(source)


def _fuse_sums_of_products(graph: fx.Graph) -> None:
    """a + b @ c as one `baddbmm`: biases, and gradients summed over a network's several uses."""
    for node in list(graph.nodes):
        if node.target is not aten.add.Tensor or not all(isinstance(a, fx.Node) for a in node.args):
            continue
        for product, other in (node.args, node.args[::-1]):
            if (
                product.target is aten.bmm.default
                and len(product.users) == 1
                and _value(node).shape == _value(product).shape
                and _value(other).dim() == 3
                and _value(other).dtype == _value(product).dtype
            ):
                same = _owned(other) and _value(other).shape == _value(node).shape
                target = (
                    aten.baddbmm_.default if same and _value(other).is_contiguous() else aten.baddbmm.default
                )
                with graph.inserting_before(node):
                    fused = graph.call_function(target, (other, *product.args))
                fused.meta = node.meta
                _replace(node, fused)
                graph.erase_node(product)
                break


def _reuse_memory(graph: fx.Graph) -> None:
    """ReLU, its gradient and products in place where nothing else reads the argument: they stay in the cache."""
    ours: set[fx.Node] = set()  # in place by our doing: what they return is still nobody else's
    for node in list(graph.nodes):
        if node.target is aten.baddbmm_.default:
            ours.add(node)
        elif node.target is aten.relu.default and _owned(node.args[0], ours):
            node.target = aten.relu_.default
            ours.add(node)
        elif node.target is aten.threshold_backward.default and _owned(node.args[0], ours):
            node.target = aten.threshold_backward.grad_input
            node.kwargs = {"grad_input": node.args[0]}
            ours.add(node)
        elif node.target is aten.mul.Tensor:
            for own, other in (node.args, node.args[::-1]):
                if own is not other and _owned(own, ours) and _alike(own, node):
                    node.target, node.args = aten.mul_.Tensor, (own, other)
                    ours.add(node)
                    break


def _alike(a: fx.Node, b: fx.Node) -> bool:
    """Whether one's memory could hold the other."""
    return _value(a).shape == _value(b).shape and _value(a).dtype == _value(b).dtype


def _owned(node: object, ours: set[fx.Node] | None = None) -> bool:
    """Whether `node` is a tensor of its own with a single reader, so that the reader may overwrite it."""
    if not isinstance(node, fx.Node) or node.op != "call_function" or len(node.users) != 1:
        return False
    if not isinstance(node.target, torch._ops.OpOverload):
        return False  # one of several results, such as the parts of a split: a view
    return node in (ours or ()) or all(r.alias_info is None for r in node.target._schema.returns)
