"""Writes the loss of one player, traced for ONE model, as C++ around the native kernels.

What an objective does between its networks is arithmetic on a few numbers per point: as torch operations it costs more in
dispatch than in work, and it forces all members through each operation before the next. Lowered, a whole step of one
member is one call, and a member can train for a block of iterations while its arrays stay in the cache.

A value of the graph is memory with strides, or an expression of its indices that is written where it is used. Views
move no data. The networks' sizes are arguments: one source serves every width and depth.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from trainables import kernels

aten = torch.ops.aten


class NotLowered(Exception):
    """The graph has something that has no C++ form here; it runs on torch's operations instead."""


@dataclass
class Memory:
    """Numbers in memory: a C pointer, the first one's place, sizes and strides."""

    pointer: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, index: Sequence[str]) -> str:
        terms = [f"{i}*{s}" if s != 1 else i for i, s, n in zip(index, self.strides, self.shape, strict=True)
                 if s != 0 and n != 1]  # fmt: skip
        return f"{self.pointer}[{' + '.join([*terms, str(self.offset)])}]"


@dataclass
class Expression:
    """Numbers that are computed where they are used."""

    shape: tuple[int, ...]
    at: Callable[[Sequence[str]], str]


@dataclass
class Gradient:
    """The gradient of a network's parameters, which the kernels add up in place."""

    network: int


POINTWISE: dict[Any, str] = {
    aten.add.Tensor: "({0} + {1})", aten.add.Scalar: "({0} + {1})",
    aten.sub.Tensor: "({0} - {1})", aten.sub.Scalar: "({0} - {1})", aten.rsub.Scalar: "({1} - {0})",
    aten.mul.Tensor: "({0} * {1})", aten.mul.Scalar: "({0} * {1})",
    aten.div.Tensor: "({0} / {1})", aten.div.Scalar: "({0} / {1})",
    aten.neg.default: "(-{0})", aten.abs.default: "std::fabs({0})", aten.sgn.default: "sign({0})",
    aten.exp.default: "std::exp({0})", aten.log.default: "std::log({0})", aten.log1p.default: "std::log1p({0})",
    aten.sqrt.default: "std::sqrt({0})", aten.reciprocal.default: "(1.0f / {0})",
    aten.sigmoid.default: "sigmoid({0})", aten.tanh.default: "std::tanh({0})",
    aten.softplus.default: "softplus({0})", aten.softplus_backward.default: "({0} * sigmoid({1}))",
    aten.relu.default: "({0} < 0 ? 0 : {0})", aten.clone.default: "{0}",
    aten.where.self: "({0} ? {1} : {2})",
}  # fmt: skip
"""Operation -> its C++ for one element."""

VIEWS = {aten.view.default, aten._unsafe_view.default, aten.expand.default, aten.permute.default, aten.t.default,
         aten.transpose.int, aten.select.int, aten.slice.Tensor, aten.unsqueeze.default, aten.squeeze.default,
         aten.squeeze.dim, aten.squeeze.dims, aten.alias.default, aten.detach.default}  # fmt: skip

SUMS = {aten.sum.default, aten.sum.dim_IntList, aten.mean.default, aten.mean.dim}

PRELUDE = """#include <cmath>

#include "kernels.h"

using namespace native;

static inline float sigmoid(float t) { return 1.0f / (1.0f + std::exp(-t)); }
static inline float softplus(float t) { return (t > 0 ? t : 0) + std::log1p(std::exp(-std::fabs(t))); }
static inline float sign(float t) { return (float)((t > 0) - (t < 0)); }

"""


Passes = tuple[tuple[int, int], ...]
"""(network, rows) of each forward pass of a function: what it needs scratch memory for."""


@dataclass(frozen=True)
class Lowered:
    """A function in C++.

    Attributes:
        source: its text, for `native.compiled`.
        passes: its forward passes.
    """

    source: str
    passes: Passes


def lower(
    name: str, function: Callable[..., tuple[Tensor, ...]], example: Sequence[Tensor], networks: int
) -> Lowered:
    """`function` in C++.

    Args:
        name: of the C function, a `Loss` of `native/block.cpp`.
        function: (parameters of each network, λ, x, noise, dropout) of ONE model -> gradients of the trained
            networks' parameters, then the loss.
        example: such arguments.
        networks: how many networks there are.

    Raises:
        NotLowered: the graph has an operation that is not known here.
    """
    graph = make_fx(function, tracing_mode="fake")(*example).graph
    graph.eliminate_dead_code()
    writer = _Writer(name, networks)
    return Lowered(PRELUDE + writer.write(graph), tuple(writer.passes))


class _Writer:
    def __init__(self, name: str, networks: int) -> None:
        self.name = name
        self.networks = networks
        self.lines: list[str] = []
        self.values: dict[fx.Node, Any] = {}
        self.begun: set[int] = set()
        self.passes: list[tuple[int, int]] = []

    def write(self, graph: fx.Graph) -> str:
        placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        names = [*(f"flats[{k}]" for k in range(self.networks)), "lam", "x", "noise", "dropout"]
        for node, pointer in zip(placeholders, names, strict=True):
            value = _meta(node)
            self.values[node] = Memory(pointer, 0, tuple(value.shape), tuple(value.stride()))
        for node in graph.nodes:
            if node.op == "call_function":
                self.values[node] = self.call(node)
            elif node.op == "output":
                self.finish(node.args[0])
            elif node.op != "placeholder":
                raise NotLowered(f"{node.op} {node.target}")
        body = "\n".join("    " + line for line in self.lines)
        return (
            f'extern "C" void {self.name}(const Network *networks, const float *const *flats, float *const *gradients,\n'
            "    const float *lam, const float *x, const float *noise, const int64_t *dropout, float *loss,\n"
            f"    float *scratch) {{\n{body}\n}}\n"
        )

    def call(self, node: fx.Node) -> Any:
        target = node.target
        if target is operator.getitem:
            value = self.values[node.args[0]][node.args[1]]  # type: ignore[index]
            return value
        if target is kernels.forward_op:
            return self.mlp_forward(node)
        if target is kernels.backward_op:
            return self.mlp_backward(node)
        if target in VIEWS:
            return self.view(node)
        if target in (aten.split_with_sizes.default, aten.split.Tensor, aten.unbind.int):
            return self.pieces(node)
        arguments = [self.values.get(a, a) if isinstance(a, fx.Node) else a for a in node.args]
        if target is aten.add.Tensor and all(isinstance(a, Gradient) for a in arguments):
            if arguments[0] != arguments[1]:
                raise NotLowered("gradients of different networks are added")
            return arguments[0]
        if any(isinstance(a, Gradient) for a in arguments):
            raise NotLowered(f"{target} of a gradient")
        shape = tuple(_meta(node).shape)
        if target in POINTWISE:
            return self.kept(node, Expression(shape, self.pointwise(POINTWISE[target], arguments, shape)))
        if target is aten.pow.Tensor_Scalar:
            return self.kept(
                node, Expression(shape, self.pointwise(_power(arguments[1]), arguments[:1], shape))
            )
        if target in (aten.ones_like.default, aten.zeros_like.default):
            number = "1.0f" if target is aten.ones_like.default else "0.0f"
            return Expression(shape, lambda index: number)
        if target in (aten.scalar_tensor.default, aten.full.default, aten.full_like.default):
            literal = _literal(node.args[0 if target is aten.scalar_tensor.default else 1])
            return Expression(shape, lambda index: literal)
        if target in (aten.cat.default, aten.stack.default):
            return self.joined(node)
        if target in SUMS:
            return self.summed(node)
        raise NotLowered(str(target))

    def finish(self, outputs: Any) -> None:
        *gradients, loss = (self.values[node] for node in outputs)
        if not all(isinstance(g, Gradient) for g in gradients):
            raise NotLowered("a gradient does not come from the networks' kernels")
        self.lines.append(f"*loss = {loss.at([])};")

    # Values

    def pointwise(
        self, form: str, arguments: Sequence[Any], shape: tuple[int, ...]
    ) -> Callable[[Sequence[str]], str]:
        def at(index: Sequence[str]) -> str:
            return form.format(*(_read(a, index) for a in arguments))

        return at

    def kept(self, node: fx.Node, value: Expression) -> Expression | Memory:
        """An expression that is read more than once, or through a view, is computed into memory."""
        users = list(node.users)
        once = len(users) == 1 and users[0].target in POINTWISE
        return value if once or not value.shape else self.stored(value)

    def stored(self, value: Expression | Memory) -> Memory:
        """The value in memory of its own, in row-major order."""
        memory = self.buffer(value.shape)
        self.loop(value.shape, lambda index: f"{memory.at(index)} = {value.at(index)};")
        return memory

    def contiguous(self, value: Any) -> Memory:
        if isinstance(value, Memory) and _is_contiguous(value):
            return value
        return self.stored(value)

    def buffer(self, shape: tuple[int, ...]) -> Memory:
        name = f"t{len(self.lines)}"
        self.lines.append(f"alignas(64) float {name}[{max(1, math.prod(shape))}];")
        return Memory(name, 0, shape, _contiguous(shape))

    def loop(self, shape: Sequence[int], statement: Callable[[Sequence[str]], str]) -> None:
        index = [f"i{d}" for d in range(len(shape))]
        heads = [f"for (int {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, shape, strict=True)]
        self.lines.append(" ".join([*heads, statement(index)]))

    # Views

    def view(self, node: fx.Node) -> Any:
        source, example = self.values[node.args[0]], _meta(node)  # type: ignore[index]
        if isinstance(source, (Gradient, str)):
            return source
        if not isinstance(source, Memory):
            if (
                node.target in (aten.expand.default, aten.alias.default, aten.detach.default)
                and not source.shape
            ):
                return Expression(tuple(example.shape), lambda index: source.at([]))
            source = self.stored(source)
        try:
            return self.seen(node, source)[0]
        except RuntimeError:  # a view that torch could take of its own layout, not of ours
            return self.seen(node, self.stored(source))[0]

    def pieces(self, node: fx.Node) -> list[Memory]:
        source = self.values[node.args[0]]  # type: ignore[index]
        source = source if isinstance(source, Memory) else self.stored(source)
        return self.seen(node, source)

    def seen(self, node: fx.Node, source: Memory) -> list[Memory]:
        """Where the elements of a view, or of several, lie: torch's own rules say it."""
        base = torch.empty(0, device="meta").as_strided(source.shape, source.strides, source.offset)
        views = node.target(base, *node.args[1:], **node.kwargs)  # type: ignore[operator]
        return [
            Memory(source.pointer, int(v.storage_offset()), tuple(v.shape), tuple(v.stride()))
            for v in (views if isinstance(views, (list, tuple)) else [views])
        ]

    # Operations with loops of their own

    def joined(self, node: fx.Node) -> Memory:
        shape = tuple(_meta(node).shape)
        axis = (node.args[1] if len(node.args) > 1 else 0) % len(shape)  # type: ignore[operator]
        memory, start = self.buffer(shape), 0
        for part in (self.values[n] for n in node.args[0]):  # type: ignore[union-attr]
            if node.target is aten.stack.default:
                size, inner = 1, part.shape
                where = lambda i, s=start: [*i[:axis], str(s), *i[axis:]]  # noqa: E731
            else:
                size, inner = part.shape[axis], part.shape
                where = lambda i, s=start: [*i[:axis], f"({i[axis]} + {s})", *i[axis + 1 :]]  # noqa: E731
            self.loop(inner, lambda i, p=part, w=where: f"{memory.at(w(i))} = {p.at(i)};")
            start += size
        return memory

    def summed(self, node: fx.Node) -> Memory:
        source, shape = self.values[node.args[0]], tuple(_meta(node).shape)  # type: ignore[index]
        given = node.args[1] if len(node.args) > 1 else None
        rank = len(source.shape)
        axes = {a % rank for a in given} if given else set(range(rank))  # type: ignore[union-attr]
        keep = bool(node.args[2]) if len(node.args) > 2 else False
        count = math.prod(source.shape[a] for a in axes)
        divisor = count if node.target in (aten.mean.default, aten.mean.dim) else 1
        memory = self.buffer(shape)
        outer = [a for a in range(rank) if a not in axes]
        index = [f"i{a}" for a in range(rank)]
        inner = " ".join(f"for (int i{a} = 0; i{a} < {source.shape[a]}; i{a}++)" for a in sorted(axes))
        target = [("0" if a in axes else f"i{a}") for a in range(rank) if keep or a not in axes]
        heads = " ".join(f"for (int i{a} = 0; i{a} < {source.shape[a]}; i{a}++)" for a in outer)
        self.lines.append(
            f"{heads} {{ double total = 0; {inner} total += {source.at(index)}; "
            f"{memory.at(target)} = (float)(total / {divisor}); }}"
        )
        return memory

    def mlp_forward(self, node: fx.Node) -> tuple[Memory, str]:
        flat, h, dropout = (self.values.get(a) if isinstance(a, fx.Node) else None for a in node.args[:3])
        network = self.network(flat)
        source = self.contiguous(h)
        output = self.buffer(tuple(_meta(node)[0].shape))
        saved = f"saved{len(self.lines)}"
        rows = output.shape[1]
        self.passes.append((network, rows))
        self.lines.append(f"float *{saved} = scratch; scratch += saved_size(networks[{network}], {rows});")
        self.lines.append(
            f"mlp_forward(networks[{network}], {rows}, flats[{network}], {_address(source)}, {_address(dropout)}, "
            f"{_address(output)}, {saved});"
        )
        return output, saved

    def mlp_backward(self, node: fx.Node) -> tuple[Gradient | None, Memory | None]:
        flat, h, dropout, saved, error = (
            self.values.get(a) if isinstance(a, fx.Node) else None for a in node.args[:5]
        )
        to_flat, to_h = node.args[9:11]
        network = self.network(flat)
        assert isinstance(saved, str) and h is not None
        rows = h.shape[1]
        source, error = self.contiguous(h), self.contiguous(error)
        below = self.buffer(tuple(h.shape)) if to_h else None
        add = str(network in self.begun).lower()
        gradient = f"gradients[{network}]" if to_flat else "nullptr"
        if to_flat:
            self.begun.add(network)
        self.lines.append(
            f"mlp_backward(networks[{network}], {rows}, flats[{network}], {_address(source)}, {_address(dropout)}, "
            f"{saved}, {_address(error)}, {gradient}, {add}, {_address(below)});"
        )
        return Gradient(network) if to_flat else None, below

    def network(self, flat: Any) -> int:
        names = [f"flats[{k}]" for k in range(self.networks)]
        if not isinstance(flat, Memory) or flat.pointer not in names or flat.offset:
            raise NotLowered("a network's parameters are not an argument as they are")
        return names.index(flat.pointer)


def _meta(node: fx.Node) -> Any:
    return node.meta["val"]


def _contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(math.prod(shape[d + 1 :]) for d in range(len(shape)))


def _is_contiguous(value: Memory) -> bool:
    dense = _contiguous(value.shape)
    return all(n == 1 or a == b for n, a, b in zip(value.shape, value.strides, dense, strict=True))


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) < 1 << 24:
        return f"{value}.0f"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value!r}f" if "." in repr(value) or "e" in repr(value) else f"{value!r}.0f"
    raise NotLowered(f"the constant {value!r}")


def _read(value: Any, index: Sequence[str]) -> str:
    """An element of an argument as torch broadcasts it: missing dimensions lead, those of size 1 repeat."""
    if not isinstance(value, (Memory, Expression)):
        return _literal(value)
    own = index[len(index) - len(value.shape) :]
    return value.at(["0" if n == 1 else i for i, n in zip(own, value.shape, strict=True)])


def _power(exponent: Any) -> str:
    forms = {1: "{0}", 2: "({0} * {0})", 0.5: "std::sqrt({0})", -1: "(1.0f / {0})"}
    if exponent not in forms:
        raise NotLowered(f"the power {exponent}")
    return forms[exponent]


def _address(value: Memory | None) -> str:
    if value is None:
        return "nullptr"
    if not _is_contiguous(value):
        raise NotLowered("a kernel's argument is not contiguous")
    return f"{value.pointer} + {value.offset}"
