"""Batch normalisation by the native kernels (`native/normalisation.cpp`), with the ReLU after it, in traced steps on a CPU."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor, fx

from trainables.engine.native import convolutions
from trainables.engine.native.kernels import _library, _native, _pointer

aten = torch.ops.aten
LAST = torch.channels_last

_Three = tuple[Tensor, Tensor, Tensor]


def _laid(x: Tensor) -> Tensor:
    """As rows of channels."""
    return x.contiguous(memory_format=LAST) if x.dim() == 4 else x.contiguous()


def _forward(
    x: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, running_var: Tensor, momentum: float, epsilon: float, relu: bool
) -> _Three:  # fmt: skip
    """x [n, channels] or [n, channels, h, w] normalised by its batch, then the ReLU if asked for; mean and 1 / √(variance + ε) [channels].

    The running statistics move towards the batch's, in place.
    """
    x = _laid(x)
    y, channels = torch.empty_like(x), x.shape[1]
    rows = x.numel() // channels
    mean, variance, scale = torch.empty(3, channels).unbind()
    _native().normalise(
        ctypes.c_long(rows), ctypes.c_long(channels), _pointer(x), _pointer(weight.contiguous()), _pointer(bias.contiguous()),
        ctypes.c_double(epsilon), ctypes.c_bool(relu), _pointer(y), _pointer(mean), _pointer(variance), _pointer(scale),
    )  # fmt: skip
    running_mean.mul_(1 - momentum).add_(mean, alpha=momentum)
    running_var.mul_(1 - momentum).add_(variance, alpha=momentum * rows / (rows - 1))
    return y, mean, scale


def _backward(
    error: Tensor, x: Tensor, weight: Tensor, mean: Tensor, scale: Tensor, units: Tensor | None
) -> _Three:
    """Gradients of x, which lies as x, weight and bias; `units`: y after its ReLU, or None where there was none."""
    as_torch = x.is_contiguous()
    x, error = _laid(x), _laid(error)
    dx, gradients, channels = torch.empty_like(x), torch.empty(2, x.shape[1]), x.shape[1]
    _native().normalise_backward(
        ctypes.c_long(x.numel() // channels), ctypes.c_long(channels), _pointer(x), _pointer(weight.contiguous()), _pointer(mean),
        _pointer(scale), _pointer(error), _pointer(None if units is None else _laid(units)), _pointer(dx),
        _pointer(gradients[0]), _pointer(gradients[1]),
    )  # fmt: skip
    return dx.contiguous() if as_torch else dx, gradients[0], gradients[1]


_library.define(
    "normalise(Tensor x, Tensor weight, Tensor bias, Tensor(a!) running_mean, Tensor(b!) running_var, float momentum, float epsilon, "
    "bool relu) -> (Tensor, Tensor, Tensor)"
)
_library.define(
    "normalise_backward(Tensor error, Tensor x, Tensor weight, Tensor mean, Tensor scale, Tensor? units) -> (Tensor, Tensor, Tensor)"
)
_library.impl("normalise", _forward, "CPU")
_library.impl("normalise_backward", _backward, "CPU")


def rewrite(graph: fx.Graph) -> None:
    """Has the kernels normalise by the batch, and take the ReLU after it and the way back through both in one pass each."""
    for node in list(graph.nodes):
        if node.target is aten.native_batch_norm.default and _usable(node):
            _replace_forward(node)
    for node in list(graph.nodes):
        if node.target is aten.native_batch_norm_backward.default and _of_ours(node):
            _replace_backward(node)


def _usable(node: fx.Node) -> bool:
    x, weight, bias, mean, variance, training, *_ = node.args
    if training is not True or not all(isinstance(one, fx.Node) for one in (x, weight, bias, mean, variance)):
        return False
    value = _node(x).meta["val"]
    if value.dim() == 4:
        rows = value.is_contiguous(memory_format=LAST) or (value.is_contiguous() and _read_by_kernels(node))
    else:
        rows = value.dim() == 2 and value.is_contiguous()
    return rows and value.dtype == torch.float32 and value.device.type == "cpu"


def _read_by_kernels(node: fx.Node) -> bool:
    """Whether nothing but kernels, which lay images as they need them, reads what is normalised, and rectified."""
    readers = {
        aten.threshold_backward.default,
        convolutions.gather,
        convolutions.scatter,
        convolutions.weights,
    }
    found = _output(node)
    rectified = [user for user in found.users if user.target is aten.relu.default]
    return all(
        user.target in readers for one in (found, *rectified) for user in one.users if user not in rectified
    )


def _replace_forward(node: fx.Node) -> None:
    x, weight, bias, mean, variance, _, momentum, epsilon = node.args
    output = _output(node)
    after = list(output.users)
    relu = len(after) == 1 and after[0].target is aten.relu.default
    node.target = torch.ops.robustness.normalise.default
    node.args = (x, weight, bias, mean, variance, momentum, epsilon, relu)
    if relu:
        after[0].replace_all_uses_with(output)
        node.graph.erase_node(after[0])


def _of_ours(node: fx.Node) -> bool:
    """Whether what it is the way back of was replaced."""
    return _forward_of(node).target is torch.ops.robustness.normalise.default


def _replace_backward(node: fx.Node) -> None:
    error, x, weight, _, _, mean, scale, *_ = node.args
    forward, mask, units = _forward_of(node), _node(error), None
    if (
        forward.args[7]
        and mask.target is aten.threshold_backward.default
        and mask.args[1:] == (_output(forward), 0)
    ):
        error, units = mask.args[0], _output(forward)
    node.target = torch.ops.robustness.normalise_backward.default
    node.args = (error, x, weight, mean, scale, units)


def _forward_of(node: fx.Node) -> fx.Node:
    """The normalisation whose mean a way back takes."""
    return _node(_node(node.args[5]).args[0])


def _output(node: fx.Node) -> fx.Node:
    """The first result of a normalisation."""
    return next(user for user in node.users if user.args[1] == 0)


def _node(argument: object) -> fx.Node:
    assert isinstance(argument, fx.Node)
    return argument
