"""The native kernels as torch operations: vectorised over members, differentiable once, traceable.

`mlp` is `networks.MLP` for CPUs (`native/mlp.cpp`).
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from trainables.engine.native import build
from trainables.networks.mlp import Shape as Shape

WIDTH = 32
"""Widths that the kernels take are multiples of this: a register tile's columns on every processor."""


def usable(shape: Shape) -> bool:
    """Whether there are kernels for MLPs of this shape here."""
    return shape.width % WIDTH == 0 and shape.outputs < shape.width and build.library() is not None


def mlp(flat: Tensor, h: Tensor, dropout: Tensor | None, shape: Shape) -> Tensor:
    """ONE model's MLP: parameters [P], h [batch, inputs], dropout as in `philox.multipliers` -> [batch, outputs]."""
    output: Tensor = _MLP.apply(flat, h, dropout, shape)[0]
    return output


class Network(ctypes.Structure):
    """A `Shape`, as C++ has it."""

    _fields_ = [(name, ctypes.c_long) for name in Shape._fields] + [
        ("transposed", ctypes.c_void_p),
        ("fresh", ctypes.c_void_p),
    ]


_long = ctypes.c_long
_Saved = tuple[Tensor, Tensor]


def _native() -> ctypes.CDLL:
    library = build.library()
    assert library is not None, "there are no native kernels here"
    return library


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def saved_size(shape: Shape, rows: int) -> int:
    """Floats that a forward pass over `rows` points leaves for the backward pass."""
    function = _native().mlp_saved
    function.restype = _long
    return int(function(ctypes.byref(Network(*shape)), _long(rows)))


def _forward(
    flat: Tensor, h: Tensor, dropout: Tensor | None, inputs: int, width: int, depth: int, outputs: int
) -> _Saved:
    """[M, P], [M, batch, inputs], [M, 5] -> output [M, batch, outputs] and the hidden units, for the way back."""
    shape, (members, rows) = Shape(inputs, width, depth, outputs), h.shape[:2]
    h, dropout = h.contiguous(), None if dropout is None else dropout.contiguous()
    assert flat.stride(1) == 1
    output, saved = torch.empty(members, rows, outputs), torch.empty(members, saved_size(shape, rows))
    _native().mlp_forward(
        ctypes.byref(Network(*shape)), _long(members), _long(rows), _pointer(flat), _long(flat.stride(0)),
        _pointer(h), _pointer(dropout), _pointer(output), _pointer(saved),
    )  # fmt: skip
    return output, saved


def _backward(
    flat: Tensor, h: Tensor, dropout: Tensor | None, saved: Tensor, error: Tensor,
    inputs: int, width: int, depth: int, outputs: int, to_flat: bool, to_h: bool,
) -> _Saved:  # fmt: skip
    """Gradients of the parameters [M, P] and of h; empty where not asked for."""
    shape, (members, rows) = Shape(inputs, width, depth, outputs), h.shape[:2]
    h, error, dropout = h.contiguous(), error.contiguous(), None if dropout is None else dropout.contiguous()
    assert flat.stride(1) == 1
    gradient = torch.zeros(flat.shape if to_flat else 0)  # zeros, for the padding
    below = torch.empty(h.shape if to_h else 0)
    _native().mlp_backward(
        ctypes.byref(Network(*shape)), _long(members), _long(rows), _pointer(flat), _long(flat.stride(0)),
        _pointer(h), _pointer(dropout), _pointer(saved), _pointer(error), _pointer(gradient if to_flat else None),
        _long(flat.shape[1]), _pointer(below if to_h else None),
    )  # fmt: skip
    return gradient, below


_library = torch.library.Library("robustness", "DEF")
_SHAPE = "int inputs, int width, int depth, int outputs"
_library.define(f"mlp_forward(Tensor flat, Tensor h, Tensor? dropout, {_SHAPE}) -> (Tensor, Tensor)")
_library.define(
    f"mlp_backward(Tensor flat, Tensor h, Tensor? dropout, Tensor saved, Tensor error, {_SHAPE}, "
    "bool to_flat, bool to_h) -> (Tensor, Tensor)"
)
_library.impl("mlp_forward", _forward, "CPU")
_library.impl("mlp_backward", _backward, "CPU")
forward_op = torch.ops.robustness.mlp_forward.default
backward_op = torch.ops.robustness.mlp_backward.default


@torch.library.register_fake("robustness::mlp_forward", lib=_library)
def _(
    flat: Tensor, h: Tensor, dropout: Tensor | None, inputs: int, width: int, depth: int, outputs: int
) -> _Saved:
    saved = saved_size(Shape(inputs, width, depth, outputs), h.shape[1])
    return flat.new_empty(*h.shape[:2], outputs), flat.new_empty(h.shape[0], saved)


@torch.library.register_fake("robustness::mlp_backward", lib=_library)
def _(
    flat: Tensor, h: Tensor, dropout: Tensor | None, saved: Tensor, error: Tensor,
    inputs: int, width: int, depth: int, outputs: int, to_flat: bool, to_h: bool,
) -> _Saved:  # fmt: skip
    return flat.new_empty(flat.shape if to_flat else 0), flat.new_empty(h.shape if to_h else 0)


class _Batched(torch.autograd.Function):
    """What the forward and the backward function share: one model is a cohort of one."""

    @classmethod
    def vmap(cls, info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> Any:
        members = [
            a if not isinstance(a, Tensor) else a.expand(info.batch_size, *a.shape) if d is None else a.movedim(d, 0)
            for a, d in zip(arguments, in_dims, strict=True)
        ]  # fmt: skip
        return cls.batched(*members), (0, 0)

    @classmethod
    def one(cls, *arguments: Any) -> tuple[Tensor, Tensor]:
        results = cls.batched(*(a.unsqueeze(0) if isinstance(a, Tensor) else a for a in arguments))
        first, second = (r.squeeze(0) if r.numel() else r for r in results)
        return first, second

    @staticmethod
    def batched(*arguments: Any) -> _Saved:
        raise NotImplementedError


class _MLP(_Batched):
    @staticmethod
    def batched(*arguments: Any) -> _Saved:
        flat, h, dropout, shape = arguments
        output, saved = forward_op(flat, h, dropout, *shape)
        return output, saved

    @staticmethod
    def forward(*arguments: Any) -> Any:
        return _MLP.one(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: _Saved) -> None:
        flat, h, dropout, ctx.shape = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(flat, h, dropout, output[1])

    @staticmethod
    def backward(ctx: Any, error: Tensor, _: Tensor) -> Any:
        flat, h, dropout, saved = ctx.saved_tensors
        to_flat, to_h = ctx.needs_input_grad[:2]
        gradient, below = _Backward.apply(flat, h, dropout, saved, error, ctx.shape, to_flat, to_h)
        return gradient if to_flat else None, below if to_h else None, None, None


class _Backward(_Batched):
    @staticmethod
    def batched(*arguments: Any) -> _Saved:
        flat, h, dropout, saved, error, shape, to_flat, to_h = arguments
        gradient, below = backward_op(flat, h, dropout, saved, error, *shape, to_flat, to_h)
        return gradient, below

    @staticmethod
    def forward(*arguments: Any) -> Any:
        return _Backward.one(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: _Saved) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *errors: Tensor) -> Any:
        raise NotImplementedError(
            "native kernels are differentiable once; build the networks with native=False"
        )
