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

from trainables.engine.native import kernels
from trainables.engine.native.operations import CONSTANTS, MEANS, POINTWISE, POWERS, SUMS, VIEWS
from trainables.engine.native.values import (
    Expression,
    Gradient,
    Index,
    Loops,
    Memory,
    NotLowered,
    Saved,
    dense,
    literal,
    read,
    viewed,
    with_axis,
)
from trainables.models.bisection import BISECTED

aten = torch.ops.aten
PRELUDE = """#include <cmath>

#include "kernels.h"

using namespace native;

static inline float sigmoid(float t) { return 1.0f / (1.0f + std::exp(-t)); }
static inline float softplus(float t) { return (t > 0 ? t : 0) + std::log1p(std::exp(-std::fabs(t))); }
static inline float sign(float t) { return (float)((t > 0) - (t < 0)); }

"""

STACK = 3 << 19
"""Floats of a loss's values on the stack, 6 MiB of the 8 that a thread has; those after them are in scratch memory."""

Passes = tuple[tuple[int, int], ...]
"""(network, rows) of each forward pass of a function: what it needs scratch memory for."""


@dataclass(frozen=True)
class Lowered:
    """A function in C++.

    Attributes:
        source: its text, for `native.compiled`; the function is called `loss`, a `Loss` of `native/block.cpp`.
        passes: its forward passes.
        floats: that it needs in scratch memory beside them.
    """

    source: str
    passes: Passes
    floats: int = 0


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
    module = make_fx(function, tracing_mode="fake")(*example)
    module.graph.eliminate_dead_code()
    writer = _Writer(networks)
    return Lowered(PRELUDE + writer.write(module), tuple(writer.passes), writer.in_scratch)


class _Writer:
    """Turns the nodes of a graph, in order, into values and lines of C++."""

    def __init__(self, networks: int) -> None:
        self.flats = [f"flats[{k}]" for k in range(networks)]
        self.lines: list[str] = []
        self.loops = Loops()
        self.constants: dict[str, str] = {}
        self.values: dict[fx.Node, Any] = {}
        self.parts: Counter[int] = Counter()
        self.sums: Counter[int] = Counter()
        self.passes: list[tuple[int, int]] = []
        self.on_stack = self.in_scratch = 0

    def write(self, module: fx.GraphModule) -> str:
        pointers = iter([*self.flats, "lam", "x", "noise", "dropout"])
        for node in module.graph.nodes:
            if node.op == "placeholder":
                tensor = node.meta["val"]
                self.values[node] = Memory(next(pointers), 0, tuple(tensor.shape), tuple(tensor.stride()))
            elif node.op == "call_function":
                self.values[node] = self.value(node, *map_arg(node.args, self.values.__getitem__))
            elif node.op == "get_attr":
                self.values[node] = self.constant(getattr(module, str(node.target)))
            elif node.op == "output":
                self.finish(*map_arg(node.args[0], self.values.__getitem__))
            else:
                raise NotLowered(f"{node.op} {node.target}")
        constants = "".join(
            f"static const float {name}[] = {{{numbers}}};\n" for name, numbers in self.constants.items()
        )
        body = "\n".join("    " + line for line in self.lines)
        return (
            f"{constants}{self.loops.source}\n"
            'extern "C" void loss(const Network *networks, const float *const *flats, float *const *gradients,\n'
            "    const float *lam, const float *x, const float *noise, const int64_t *dropout, float *loss,\n"
            f"    float *scratch) {{\n{body}\n}}\n"
        )

    def value(self, node: fx.Node, *arguments: Any) -> Any:
        """What a node is, given what its arguments are."""
        target = node.target
        if target is operator.getitem:
            return arguments[0][arguments[1]]
        if target is aten.lift_fresh_copy.default:  # of a constant, which nothing here overwrites
            return arguments[0]
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
            number = literal(CONSTANTS[target](*arguments))
            return Expression(shape, lambda _: number)
        if target in SUMS or target in MEANS:
            return self.summed(shape, target in MEANS, *arguments)
        if target is BISECTED:
            return self.bisected(shape, *arguments)
        if target is aten.mm.default:
            return self.product(shape, *arguments)
        if target is aten._softmax.default:
            return self.softmax(*arguments[:2])
        if target is aten.cat.default:
            return self.joined(shape, *arguments)
        if target is aten.stack.default:
            parts, axis = arguments[0], (*arguments[1:], 0)[0] % len(shape)
            return self.joined(shape, [with_axis(part, axis) for part in parts], axis)
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
        self.run(f"{Memory('loss', 0, (), ()).at([])} = {loss.at([])};")

    # Memory

    def buffer(self, shape: tuple[int, ...]) -> Memory:
        name, size = f"t{len(self.lines)}", max(1, math.prod(shape))
        if self.on_stack + size <= STACK:
            self.on_stack += size
            self.lines.append(f"alignas(64) float {name}[{size}];")
        else:
            self.in_scratch += size
            self.lines.append(f"float *const {name} = scratch; scratch += {size};")
        return Memory(name, 0, shape, dense(shape))

    def constant(self, tensor: Tensor) -> Memory:
        """Numbers that the objective itself has, in row-major order."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = ", ".join(literal(value) for value in tensor.flatten().tolist())
        return Memory(name, 0, tuple(tensor.shape), dense(tensor.shape))

    def loop(self, shape: Sequence[int], statement: Callable[[Index], str]) -> None:
        index = [f"i{d}" for d in range(len(shape))]
        heads = [f"for (int {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, shape, strict=True)]
        self.run(" ".join([*heads, statement(index)]))

    def run(self, statement: str) -> None:
        self.lines.append(self.loops.call(statement))

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
            return viewed(node.target, source, *arguments)
        except RuntimeError:  # a view that torch could take of its own layout, not of ours
            return viewed(node.target, self.stored(source), *arguments)

    # Arithmetic

    def pointwise(
        self, node: fx.Node, form: str, arguments: Sequence[Any], shape: tuple[int, ...]
    ) -> Expression | Memory:
        """An expression; in memory if it is read more than once, or by more than arithmetic."""
        value = Expression(shape, lambda index: form.format(*(read(a, index) for a in arguments)))
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
        place = viewed(view, memory, *arguments)
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
        self.run(
            f"{outer} {{ double total = 0; {inner} total += {source.at(index)}; "
            f"{place} = (float)(total / {divisor}); }}"
        )
        return memory

    def product(self, shape: tuple[int, ...], a: Any, b: Any) -> Memory:
        """The matrix product, each element as `summed` adds."""
        terms = Expression((*shape, a.shape[1]), lambda i: f"({a.at([i[0], i[2]])} * {b.at([i[2], i[1]])})")
        return self.summed(shape, False, terms, [2])

    def softmax(self, source: Any, axis: int) -> Memory:
        """exp over its sum along an axis, each shifted by the largest."""
        memory, axis = self.buffer(source.shape), axis % len(source.shape)
        index = [f"i{a}" for a in range(len(source.shape))]
        heads = [f"for (int {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, source.shape, strict=True)]
        outer = " ".join(head for a, head in enumerate(heads) if a != axis)
        first = source.at([*index[:axis], "0", *index[axis + 1 :]])
        value, place = source.at(index), memory.at(index)
        self.run(
            f"{outer} {{ float most = {first}; {heads[axis]} most = std::fmax(most, {value}); double total = 0; "
            f"{heads[axis]} total += {place} = std::exp({value} - most); {heads[axis]} {place} = (float)({place} / total); }}"
        )
        return memory

    def bisected(self, shape: tuple[int, ...], target: Any, c: Any, steps: int) -> Memory:
        """As `models.bisection.bisected`: all elements take one step after the other, so that they share vector registers."""
        value = self.stored(Expression(shape, lambda index: read(target, index)))
        step = self.stored(Expression(shape, lambda index: f"std::fabs({read(c, index)})"))
        index = [f"i{d}" for d in range(len(shape))]
        heads = [f"for (int {i} = 0; {i} < {n}; {i}++)" for i, n in zip(index, shape, strict=True)]
        a, half = value.at(index), step.at(index)
        excess = f"{read(target, index)} - {a} - {read(c, index)} * std::tanh({a})"
        self.run(
            f"for (int n = 0; n < {steps}; n++) {' '.join(heads)} {{ {half} = {half} / 2; {a} = {a} + {half} * sign({excess}); }}"
        )
        return value

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
