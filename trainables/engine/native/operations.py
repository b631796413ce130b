"""The operations that have a C++ form: a new one is a line in one of these tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

aten = torch.ops.aten

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
    aten.erf.default: "std::erf({0})",
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
