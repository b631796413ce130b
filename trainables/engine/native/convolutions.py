"""Convolutions of the native kernels (`native/convolution.cpp`) in place of torch's, in traced functions of ONE model on a CPU.

An image keeps torch's shape [batch, channels, height, width] and lies channels-last, from one layer to the next.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainables.engine.native import build
from trainables.engine.native.kernels import _library, _native, _pointer

_long = ctypes.c_long
LAST = torch.channels_last

FEW = 8
"""Channels below which an image is one of few."""


class Convolution(ctypes.Structure):
    """`Convolution` of kernels.h, field by field."""

    _fields_ = [
        (name, _long)
        for name in ("batch", "h", "w", "inner", "oh", "ow", "outer", "kh", "kw", "stride", "padding")
    ]


def _between(large: Sequence[int], small: Sequence[int], weight: Tensor, stride: int, padding: int) -> Any:
    """Of images shaped [batch, inner, h, w] and [batch, outer, oh, ow]."""
    batch, inner, h, w = large
    _, outer, oh, ow = small
    return ctypes.byref(Convolution(batch, h, w, inner, oh, ow, outer, *weight.shape[2:], stride, padding))


def _image(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=LAST)


def _empty(*shape: int) -> Tensor:
    return torch.empty(shape, memory_format=LAST)


def _gather(
    x: Tensor, weight: Tensor, bias: Tensor | None, size: Sequence[int], stride: int, padding: int
) -> Tensor:
    """y [batch, outer, *size] of x [batch, inner, h, w] and weights [outer, inner, kh, kw]."""
    x, weight = _image(x), weight.contiguous()
    y = _empty(len(x), len(weight), *size)
    what = _between(x.shape, y.shape, weight, stride, padding)
    _native().convolution_gather(what, _pointer(x), _pointer(weight), _pointer(bias), _pointer(y))
    return y


def _scatter(
    y: Tensor, weight: Tensor, bias: Tensor | None, size: Sequence[int], stride: int, padding: int
) -> Tensor:
    """x [batch, inner, *size] of y [batch, outer, oh, ow] and weights [outer, inner, kh, kw]."""
    y, weight = _image(y), weight.contiguous()
    x = _empty(len(y), weight.shape[1], *size)
    what = _between(x.shape, y.shape, weight, stride, padding)
    _native().convolution_scatter(what, _pointer(y), _pointer(weight), _pointer(bias), _pointer(x))
    return x


def _weights(x: Tensor, y: Tensor, kernel: Sequence[int], stride: int, padding: int) -> Tensor:
    """Gradient of the weights, [outer, inner, *kernel], from x and y, one of which is an error."""
    x, y = _image(x), _image(y)
    gradient = torch.empty(y.shape[1], x.shape[1], *kernel)
    what = _between(x.shape, y.shape, gradient, stride, padding)
    _native().convolution_weights(what, _pointer(x), _pointer(y), _pointer(gradient))
    return gradient


_IMAGES = "Tensor weight, Tensor? bias, int[] size, int stride, int padding"
_library.define(f"conv_gather(Tensor x, {_IMAGES}) -> Tensor")
_library.define(f"conv_scatter(Tensor y, {_IMAGES}) -> Tensor")
_library.define("conv_weights(Tensor x, Tensor y, int[] kernel, int stride, int padding) -> Tensor")
_library.impl("conv_gather", _gather, "CPU")
_library.impl("conv_scatter", _scatter, "CPU")
_library.impl("conv_weights", _weights, "CPU")
gather, scatter, weights = (
    torch.ops.robustness.conv_gather.default,
    torch.ops.robustness.conv_scatter.default,
    torch.ops.robustness.conv_weights.default,
)


@torch.library.register_fake("robustness::conv_gather", lib=_library)
def _(
    x: Tensor, weight: Tensor, bias: Tensor | None, size: Sequence[int], stride: int, padding: int
) -> Tensor:
    return x.new_empty(len(x), len(weight), *size).contiguous(memory_format=LAST)


@torch.library.register_fake("robustness::conv_scatter", lib=_library)
def _(
    y: Tensor, weight: Tensor, bias: Tensor | None, size: Sequence[int], stride: int, padding: int
) -> Tensor:
    return y.new_empty(len(y), weight.shape[1], *size).contiguous(memory_format=LAST)


@torch.library.register_fake("robustness::conv_weights", lib=_library)
def _(x: Tensor, y: Tensor, kernel: Sequence[int], stride: int, padding: int) -> Tensor:
    return x.new_empty(y.shape[1], x.shape[1], *kernel)


def _convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, output_padding: Sequence[int], groups: int,
) -> Any:  # fmt: skip
    """`aten.convolution`."""
    if not _usable(x, weight, stride, padding, dilation, transposed, groups):
        return NotImplemented
    (h, w), (kh, kw), s, p = x.shape[2:], weight.shape[2:], stride[0], padding[0]
    if transposed:
        size = [(h - 1) * s - 2 * p + kh + output_padding[0], (w - 1) * s - 2 * p + kw + output_padding[1]]
        return scatter(x, weight, bias, size, s, p)
    size = [(h + 2 * p - kh) // s + 1, (w + 2 * p - kw) // s + 1]
    if _flipped(weight):
        return scatter(x, _mirror(weight), bias, size, 1, kh - 1 - p)
    return gather(x, weight, bias, size, s, p)


def _convolution_backward(
    error: Tensor, x: Tensor, weight: Tensor, bias_sizes: Sequence[int] | None, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, output_padding: Sequence[int], groups: int, mask: Sequence[bool],
) -> Any:  # fmt: skip
    """`aten.convolution_backward`."""
    if not _usable(x, weight, stride, padding, dilation, transposed, groups):
        return NotImplemented
    size, kernel, s, p = list(x.shape[2:]), list(weight.shape[2:]), stride[0], padding[0]
    bias = error.sum((0, 2, 3)) if mask[2] else None
    if transposed:
        return (
            gather(error, weight, None, size, s, p) if mask[0] else None,
            weights(error, x, kernel, s, p) if mask[1] else None,
            bias,
        )
    if _flipped(weight):
        q = kernel[0] - 1 - p
        return (
            gather(error, _mirror(weight), None, size, 1, q) if mask[0] else None,
            _mirror(weights(error, x, kernel, 1, q)) if mask[1] else None,
            bias,
        )
    return (
        scatter(error, weight, None, size, s, p) if mask[0] else None,
        weights(x, error, kernel, s, p) if mask[1] else None,
        bias,
    )


def _usable(
    x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], transposed: bool, groups: int
) -> bool:  # fmt: skip
    """Whether the kernels have this convolution, and are faster than torch's."""
    plain = (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.dim() == 4
        and groups == 1
        and len({*stride}) == len({*padding}) == 1
        and set(dilation) == {1}
        and padding[0] < min(weight.shape[2:])
    )
    # Small images of few channels, such as those that a strided convolution gives three channels, are torch's.
    return plain and (
        len(weight) >= FEW or (not transposed and stride[0] == 1 and weight.shape[2] == weight.shape[3])
    )


def _flipped(weight: Tensor) -> bool:
    """Whether a convolution of stride 1 gives few channels: it is then taken as a transposed one, by the kernel turned round."""
    return len(weight) < FEW


def _mirror(weight: Tensor) -> Tensor:
    """Weights [outer, inner, kh, kw] turned round, [inner, outer, kh, kw]."""
    return weight.flip(2, 3).transpose(0, 1)


def table(last: bool = True) -> dict[Any, Callable[..., Any]]:
    """torch's convolutions -> the kernels', which return NotImplemented where theirs is none; empty where there are no kernels.

    Args:
        last: whether images lie channels-last from one layer to the next; else as torch's do, which `Tensor.view` may need.
    """
    if build.library() is None:
        return {}

    def laid(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            results = function(*arguments)
            if isinstance(results, tuple):
                return tuple(None if one is None else one.contiguous() for one in results)
            return results.contiguous() if isinstance(results, Tensor) else results

        return function if last else call

    aten = torch.ops.aten
    pairs: dict[Any, Callable[..., Any]] = {
        aten.convolution.default: _convolution,
        aten.convolution_backward.default: _convolution_backward,
    }
    return {operation: laid(function) for operation, function in pairs.items()}


_OUTER = {torch.ops.aten.conv2d.default, torch.ops.aten.conv2d.padding, torch.ops.aten.conv_transpose2d.input}
"""Operations that are made of a convolution."""


class Applied(TorchDispatchMode):
    """Computes the convolutions within a `with` block by the kernels, where they are not traced."""

    def __init__(self) -> None:
        super().__init__()
        self.table = table(last=False)

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), further: Any = None) -> Any:
        if function in _OUTER:
            with self:
                return function.decompose(*arguments, **(further or {}))
        replaced = self.table.get(function)
        result = replaced(*arguments) if replaced else NotImplemented
        return function(*arguments, **(further or {})) if result is NotImplemented else result
