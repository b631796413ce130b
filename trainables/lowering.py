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
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg

from trainables import kernels

aten = torch.ops.aten
Index = Sequence[str]
"""C expressions, one per dimension."""


class NotLowered(Exception):
    """The graph has something that has no C++ form here; it runs on torch's operations instead."""


@dataclass(frozen=True)
class Memory:
    """Numbers in memory: a C pointer, the first one's place, sizes and strides."""

    pointer: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def at(self, index: Index) -> str:
        terms = [
            f"{i}*{stride}"
            for i, stride, n in zip(index, self.strides, self.shape, strict=True)
            if stride and n > 1
        ]
        return f"{self.pointer}[{' + '.join([*terms, str(self.offset)])}]"

    @property
    def contiguous(self) -> bool:
        dense = _dense(self.shape)
        return all(n == 1 or a == b for n, a, b in zip(self.shape, self.strides, dense, strict=True))


@dataclass(frozen=True)
class Expression:
    """Numbers that are computed where they are used."""

    shape: tuple[int, ...]
    at: Callable[[Index], str]


@dataclass(frozen=True)
class Gradient:
    """The gradient of a network's parameters, which the kernels add up in place."""

    network: int


@dataclass(frozen=True)
class Saved:
    """A forward pass's hidden units, which its backward pass reads."""

    pointer: str


POINTWISE: dict[Any, str] = {
    aten.add.Tensor: "({0} + {1})",
    aten.add.Scalar: "({0} + {1})",
    aten.sub.Tensor: "({0} - {1})",
    aten.sub.Scalar: "({0} - {1})",
    aten.rsub.Scalar: "({1} - {0})",
    aten.mul.Tensor: "({0} * {1})",
    aten.mul.Scalar: "({0} * {1})",
    aten.div.Tensor: "({0} / {1})",
    aten.div.Scalar: "({0} / {1})",
    aten.neg.default: "(-{0})",
    aten.abs.default: "std::fabs({0})",
    aten.sgn.default: "sign({0})",
    aten.exp.default: "std::exp({0})",
    aten.log.default: "std::log({0})",
    aten.log1p.default: "std::log1p({0})",
    aten.sqrt.default: "std::sqrt({0})",
    aten.reciprocal.default: "(1.0f / {0})",
    aten.sigmoid.default: "sigmoid({0})",
    aten.tanh.default: "std::tanh({0})",
    aten.softplus.default: "softplus({0})",
    aten.softplus_backward.default: "({0} * sigmoid({1}))",
    aten.relu.default: "({0} < 0 ? 0 : {0})",
    aten.threshold_backward.default: "({1} <= {2} ? 0 : {0})",
    aten.sigmoid_backward.default: "({0} * (1.0f - {1}) * {1})",
    aten.tanh_backward.default: "({0} * (1.0f - {1} * {1}))",
    aten.clone.default: "{0}",
}
"""Operation -> its C++ for one element of each argument."""

POWERS = {1: "{0}", 2: "({0} * {0})", 3: "({0} * {0} * {0})", 0.5: "std::sqrt({0})", -1: "(1.0f / {0})"}
"""Exponent -> its C++."""

CONSTANTS: dict[Any, Callable[..., Any]] = {
    aten.ones_like.default: lambda *_: 1,
    aten.zeros_like.default: lambda *_: 0,
    aten.scalar_tensor.default: lambda value: value,
    aten.full.default: lambda _, value: value,
    aten.full_like.default: lambda _, value: value,
}
"""Operation -> the number that all elements are, from its arguments."""

VIEWS = {
    aten.view.default,
    aten._unsafe_view.default,
    aten.expand.default,
    aten.permute.default,
    aten.t.default,
    aten.transpose.int,
    aten.select.int,
    aten.slice.Tensor,
    aten.unsqueeze.default,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.squeeze.dims,
    aten.alias.default,
    aten.detach.default,
    aten.split_with_sizes.default,
    aten.split.Tensor,
    aten.unbind.int,
}

SUMS = {aten.sum.default, aten.sum.dim_IntList}
MEANS = {aten.mean.default, aten.mean.dim}

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
        source: its text, for `native.compiled`; the function is called `loss`, a `Loss` of `native/block.cpp`.
        passes: its forward passes.
    """

    source: str
    passes: Passes


def lower(function: Callable[..., tuple[Tensor, ...]], example: Sequence[Tensor], networks: int) -> Lowered:
    """`function` in C++.

    Args:
        function: (parameters of each network, λ, x, noise, dropout) of ONE model -> gradients of the trained
            networks' parameters, then the loss.
        example: such arguments.
        networks: how many networks there are.

    Raises:
        NotLowered: the graph has an operation that is not known here.
    """
    graph = make_fx(function, tracing_mode="fake")(*example).graph
    graph.eliminate_dead_code()
    writer = _Writer(networks)
    return Lowered(PRELUDE + writer.write(graph), tuple(writer.passes))


class _Writer:
    """Turns the nodes of a graph, in order, into values and lines of C++."""

    def __init__(self, networks: int) -> None:
        self.flats = [f"flats[{k}]" for k in range(networks)]
        self.lines: list[str] = []
        self.values: dict[fx.Node, Any] = {}
        self.parts: Counter[int] = Counter()
        self.sums: Counter[int] = Counter()
        self.passes: list[tuple[int, int]] = []

    def write(self, graph: fx.Graph) -> str:
        pointers = iter([*self.flats, "lam", "x", "noise", "dropout"])
        for node in graph.nodes:
            if node.op == "placeholder":
                tensor = node.meta["val"]
                self.values[node] = Memory(next(pointers), 0, tuple(tensor.shape), tuple(tensor.stride()))
            elif node.op == "call_function":
                self.values[node] = self.value(node, *map_arg(node.args, self.values.__getitem__))
            elif node.op == "output":
                self.finish(*map_arg(node.args[0], self.values.__getitem__))
            else:
                raise NotLowered(f"{node.op} {node.target}")
        body = "\n".join("    " + line for line in self.lines)
        return (
            'extern "C" void loss(const Network *networks, const float *const *flats, float *const *gradients,\n'
            "    const float *lam, const float *x, const float *noise, const int64_t *dropout, float *loss,\n"
            f"    float *scratch) {{\n{body}\n}}\n"
        )

    def value(self, node: fx.Node, *arguments: Any) -> Any:
        """What a node is, given what its arguments are."""
        target = node.target
        if target is operator.getitem:
            return arguments[0][arguments[1]]
        if target is kernels.forward_op:
            return self.mlp_forward(*arguments)
        if target is kernels.backward_op:
            wanted = {user.args[1] for user in node.users}
            return self.mlp_backward(*arguments[:-2], *(i in wanted for i in (0, 1)))
        if target in VIEWS:
            return self.view(node, *arguments)
        if any(isinstance(a, Gradient) for a in arguments):
            if target is aten.add.Tensor and arguments[0] == arguments[1]:
                self.sums[arguments[0].network] += 1
                return arguments[0]  # the kernels have added the second onto the first
            raise NotLowered(f"{target} of a gradient")
        shape = tuple(node.meta["val"].shape)
        if target in POINTWISE:
            return self.pointwise(node, POINTWISE[target], arguments, shape)
        if target is aten.pow.Tensor_Scalar and arguments[1] in POWERS:
            return self.pointwise(node, POWERS[arguments[1]], arguments[:1], shape)
        if target in CONSTANTS:
            literal = _literal(CONSTANTS[target](*arguments))
            return Expression(shape, lambda _: literal)
        if target in SUMS or target in MEANS:
            return self.summed(shape, target in MEANS, *arguments)
        if target is aten._softmax.default:
            return self.softmax(*arguments[:2])
        if target is aten.cat.default:
            return self.joined(shape, *arguments)
        if target is aten.stack.default:
            parts, axis = arguments[0], (*arguments[1:], 0)[0] % len(shape)
            return self.joined(shape, [_with_axis(part, axis) for part in parts], axis)
        if target is aten.select_backward.default:
            return self.placed(shape, *arguments[:1], aten.select.int, *arguments[2:])
        if target is aten.slice_backward.default:
            return self.placed(shape, *arguments[:1], aten.slice.Tensor, *arguments[2:])
        raise NotLowered(str(target))

    def finish(self, *outputs: Any) -> None:
        *gradients, loss = outputs
        if not all(
            isinstance(g, Gradient) and self.sums[g.network] == self.parts[g.network] - 1 for g in gradients
        ):
            raise NotLowered("a gradient is not the sum of what the networks' kernels give")
        self.lines.append(f"*loss = {loss.at([])};")

    # Memory

    def buffer(self, shape: tuple[int, ...]) -> Memory:
        name = f"t{len(self.lines)}"
        self.lines.append(f"alignas(64) float {name}[{max(1, math.prod(shape))}];")
        return Memory(name, 0, shape, _dense(shape))

    def loop(self, shape: Sequence[int], statement: Callable[[Index], str]) -> None:
        index = [f"i{d}" for d in range(len(shape))]
        heads = [f"for (int {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, shape, strict=True)]
        self.lines.append(" ".join([*heads, statement(index)]))

    def stored(self, value: Memory | Expression) -> Memory:
        """The value in memory of its own, in row-major order."""
        memory = self.buffer(value.shape)
        self.loop(value.shape, lambda index: f"{memory.at(index)} = {value.at(index)};")
        return memory

    def address(self, value: Memory | Expression | None) -> str:
        """Where a kernel finds the value."""
        if value is None:
            return "nullptr"
        if isinstance(value, Expression) or not value.contiguous:
            value = self.stored(value)
        return f"{value.pointer} + {value.offset}"

    def view(self, node: fx.Node, source: Any, *arguments: Any) -> Any:
        if isinstance(source, (Gradient, Saved)):
            return source
        if isinstance(source, Expression):
            source = self.stored(source)
        assert callable(node.target)
        try:
            return _viewed(node.target, source, *arguments)
        except RuntimeError:  # a view that torch could take of its own layout, not of ours
            return _viewed(node.target, self.stored(source), *arguments)

    # Arithmetic

    def pointwise(
        self, node: fx.Node, form: str, arguments: Sequence[Any], shape: tuple[int, ...]
    ) -> Expression | Memory:
        """An expression; in memory if it is read more than once, or by more than arithmetic."""
        value = Expression(shape, lambda index: form.format(*(_read(a, index) for a in arguments)))
        once = len(node.users) == 1 and all(
            user.target in POINTWISE or user.target is aten.pow.Tensor_Scalar for user in node.users
        )
        return value if once or not shape else self.stored(value)

    def joined(self, shape: tuple[int, ...], parts: Sequence[Any], axis: int = 0) -> Memory:
        memory, start = self.buffer(shape), 0
        for part in parts:
            stride = memory.strides[axis]
            place = Memory(memory.pointer, memory.offset + start * stride, part.shape, memory.strides)
            self.loop(part.shape, lambda index, a=place, b=part: f"{a.at(index)} = {b.at(index)};")  # type: ignore[misc]
            start += part.shape[axis]
        return memory

    def placed(self, shape: tuple[int, ...], part: Any, view: Callable[..., Any], *arguments: Any) -> Memory:
        """Zeros, but for `part` where `view` of them is."""
        memory = self.buffer(shape)
        self.loop(shape, lambda index: f"{memory.at(index)} = 0;")
        place = _viewed(view, memory, *arguments)
        self.loop(part.shape, lambda index: f"{place.at(index)} = {part.at(index)};")
        return memory

    def summed(
        self,
        shape: tuple[int, ...],
        mean: bool,
        source: Any,
        axes: Sequence[int] | None = None,
        keep: bool = False,
    ) -> Memory:
        """A sum in float64, in order, or a mean."""
        rank = len(source.shape)
        over = {a % rank for a in axes} if axes else set(range(rank))
        memory = self.buffer(shape)
        index = [f"i{a}" for a in range(rank)]
        heads = [f"for (int i{a} = 0; i{a} < {source.shape[a]}; i{a}++)" for a in range(rank)]
        outer = " ".join(heads[a] for a in range(rank) if a not in over)
        inner = " ".join(heads[a] for a in sorted(over))
        place = memory.at(["0" if a in over else index[a] for a in range(rank) if keep or a not in over])
        divisor = math.prod(source.shape[a] for a in over) if mean else 1
        self.lines.append(
            f"{outer} {{ double total = 0; {inner} total += {source.at(index)}; "
            f"{place} = (float)(total / {divisor}); }}"
        )
        return memory

    def softmax(self, source: Any, axis: int) -> Memory:
        """exp over its sum along an axis, each shifted by the largest."""
        memory, axis = self.buffer(source.shape), axis % len(source.shape)
        index = [f"i{a}" for a in range(len(source.shape))]
        heads = [f"for (int {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, source.shape, strict=True)]
        outer = " ".join(head for a, head in enumerate(heads) if a != axis)
        first = source.at([*index[:axis], "0", *index[axis + 1 :]])
        value, place = source.at(index), memory.at(index)
        self.lines.append(
            f"{outer} {{ float most = {first}; {heads[axis]} most = std::fmax(most, {value}); double total = 0; "
            f"{heads[axis]} total += {place} = std::exp({value} - most); {heads[axis]} {place} = (float)({place} / total); }}"
        )
        return memory

    # Networks; the sizes in the graph are the example's, the code reads them from `networks`

    def mlp_forward(self, flat: Any, h: Any, dropout: Any, *_: int) -> tuple[Memory, Saved]:
        network, rows = self.network(flat), h.shape[1]
        output = self.buffer((1, rows, _[-1]))
        saved = Saved(f"saved{len(self.passes)}")
        self.passes.append((network, rows))
        addresses = ", ".join(self.address(value) for value in (h, dropout, output))
        self.lines += [
            f"float *{saved.pointer} = scratch; scratch += saved_size(networks[{network}], {rows});",
            f"mlp_forward(networks[{network}], {rows}, flats[{network}], {addresses}, {saved.pointer});",
        ]
        return output, saved

    def mlp_backward(
        self, flat: Any, h: Any, dropout: Any, saved: Saved, error: Any, *rest: Any
    ) -> tuple[Gradient | None, Memory | None]:
        to_flat, to_h = rest[-2:]
        network, rows = self.network(flat), h.shape[1]
        below = self.buffer(tuple(h.shape)) if to_h else None
        inputs = ", ".join(
            [*(self.address(value) for value in (h, dropout)), saved.pointer, self.address(error)]
        )
        onto = (
            f"gradients[{network}], {str(self.parts[network] > 0).lower()}" if to_flat else "nullptr, false"
        )
        self.parts[network] += to_flat
        self.lines.append(
            f"mlp_backward(networks[{network}], {rows}, flats[{network}], {inputs}, {onto}, {self.address(below)});"
        )
        return Gradient(network) if to_flat else None, below

    def network(self, flat: Any) -> int:
        if not isinstance(flat, Memory) or flat.pointer not in self.flats or flat.offset:
            raise NotLowered("a network's parameters are not an argument as they are")
        return self.flats.index(flat.pointer)


def _dense(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides in row-major order."""
    return tuple(math.prod(shape[d + 1 :]) for d in range(len(shape)))


def _viewed(view: Callable[..., Any], source: Memory, *arguments: Any) -> Any:
    """Where the elements of a view, or of several, lie: torch's own rules say it."""
    base = torch.empty(0, device="meta").as_strided(source.shape, source.strides, source.offset)
    seen = view(base, *arguments)
    if isinstance(seen, (list, tuple)):
        return [_place(source.pointer, v) for v in seen]
    return _place(source.pointer, seen)


def _place(pointer: str, tensor: Tensor) -> Memory:
    return Memory(pointer, int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride()))


def _with_axis(part: Any, axis: int) -> Expression:
    """`part` with a dimension of size 1 at `axis`."""
    shape = (*part.shape[:axis], 1, *part.shape[axis:])
    return Expression(shape, lambda index: part.at([*index[:axis], *index[axis + 1 :]]))


def _read(value: Any, index: Index) -> str:
    """An element of an argument as torch broadcasts it: missing dimensions lead, those of size 1 repeat."""
    if not isinstance(value, (Memory, Expression)):
        return _literal(value)
    own = index[len(index) - len(value.shape) :]
    return value.at(["0" if n == 1 else i for i, n in zip(own, value.shape, strict=True)])


def _literal(value: Any) -> str:
    if not isinstance(value, (bool, int, float)) or not math.isfinite(value):
        raise NotLowered(f"the constant {value!r}")
    return f"{float(value)!r}f"
