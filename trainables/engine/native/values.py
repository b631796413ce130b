"""What the nodes of a graph are in C++: memory with strides, or expressions of their indices, and views of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

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
        """An element, with the address of the first one marked: `Loops` makes an argument of it."""
        terms = [
            f"{i}*{stride}"
            for i, stride, n in zip(index, self.strides, self.shape, strict=True)
            if stride and n > 1
        ]
        return f"⟨{self.pointer} + {self.offset}⟩[{' + '.join(terms) or '0'}]"

    @property
    def contiguous(self) -> bool:
        strides = dense(self.shape)
        return all(n == 1 or a == b for n, a, b in zip(self.shape, self.strides, strides, strict=True))


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


class Loops:
    """The functions that run the loops of a loss, each distinct loop once.

    A loss repeats itself: layer after layer of a flow, step after step of a bisection, are the same loops over other
    memory. A compiler takes 5 to 10 ms for each loop, and longer the more of them a function has.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def call(self, statement: str) -> str:
        """A statement in C++, whose addresses are marked, as a call."""
        addresses = list(dict.fromkeys(re.findall("⟨.*?⟩", statement)))
        for n, address in enumerate(addresses):
            statement = statement.replace(address, f"a{n}")
        written = {f"a{n}" for n in range(len(addresses)) if re.search(rf"a{n}\[[^]]*\] = ", statement)}
        parameters = ", ".join(
            f"{'' if name in written else 'const '}float *__restrict {name}"
            for name in (f"a{n}" for n in range(len(addresses)))
        )
        name = self.names.setdefault(f"({parameters}) {{ {statement} }}", f"loop{len(self.names)}")
        return f"{name}({', '.join(address[1:-1] for address in addresses)});"

    @property
    def source(self) -> str:
        """The functions in C++."""
        return "".join(
            f"static __attribute__((noinline)) void {name}{rest}\n" for rest, name in self.names.items()
        )


def dense(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides in row-major order."""
    return tuple(math.prod(shape[d + 1 :]) for d in range(len(shape)))


def viewed(view: Callable[..., Any], source: Memory, *arguments: Any) -> Any:
    """Where the elements of a view, or of several, lie: torch's own rules say it."""
    base = torch.empty(0, device="meta").as_strided(source.shape, source.strides, source.offset)
    seen = view(base, *arguments)
    if isinstance(seen, (list, tuple)):
        return [_place(source.pointer, v) for v in seen]
    return _place(source.pointer, seen)


def _place(pointer: str, tensor: Tensor) -> Memory:
    return Memory(pointer, int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride()))


def with_axis(part: Any, axis: int) -> Expression:
    """`part` with a dimension of size 1 at `axis`."""
    shape = (*part.shape[:axis], 1, *part.shape[axis:])
    return Expression(shape, lambda index: part.at([*index[:axis], *index[axis + 1 :]]))


def read(value: Any, index: Index) -> str:
    """An element of an argument as torch broadcasts it: missing dimensions lead, those of size 1 repeat."""
    if not isinstance(value, (Memory, Expression)):
        return literal(value)
    own = index[len(index) - len(value.shape) :]
    return value.at(["0" if n == 1 else i for i, n in zip(own, value.shape, strict=True)])


def literal(value: Any) -> str:
    if not isinstance(value, (bool, int, float)) or not math.isfinite(value):
        raise NotLowered(f"the constant {value!r}")
    return f"{float(value)!r}f"
