"""Writes an optimiser's step, traced for ONE model, as C++: a loop over parameters, where each depends on its own numbers alone."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from trainables.engine import optimisation
from trainables.engine.native import build
from trainables.engine.native.lowering import PRELUDE
from trainables.engine.native.operations import CONSTANTS, POINTWISE, POWERS, aten
from trainables.engine.native.values import NotLowered, literal
from trainables.optimisers.adam import Adam
from trainables.optimisers.base import Optimiser
from trainables.parameters import declared

SIZE = 64
"""Parameters of the model that a step is traced for; the C++ takes any multiple of it."""

KERNELS: dict[type[Optimiser], str] = {Adam: "adam_step"}
"""Optimisers whose step is a function of the kernels' library."""

_STEP = ctypes.CFUNCTYPE(None, ctypes.c_long, *[ctypes.c_void_p] * 4)

_BINARY = {
    aten.maximum.default: "({0} > {1} ? {0} : {1})",
    aten.minimum.default: "({0} < {1} ? {0} : {1})",
    aten.rsqrt.default: "(1.0f / std::sqrt({0}))",
    aten.sign.default: "sign({0})",
    aten.gt.Tensor: "(float)({0} > {1})",
    aten.lt.Tensor: "(float)({0} < {1})",
    aten.gt.Scalar: "(float)({0} > {1})",
    aten.lt.Scalar: "(float)({0} < {1})",
    aten.where.self: "({0} != 0 ? {1} : {2})",
    aten.pow.Tensor_Tensor: "std::pow({0}, {1})",
    aten.pow.Scalar: "std::pow({0}, {1})",
}


def address(optimiser: Optimiser) -> int:
    """Address of its step, a `Step` of native/block.cpp; compiled if it is not yet.

    Raises:
        NotLowered: it has something that has no C++ form here.
    """
    kind = type(optimiser)
    structural = {n: getattr(optimiser, n) for n, p in declared(kind).items() if p.structural}
    key = (kind, *structural.items())
    if key not in _addresses:
        if name := KERNELS.get(kind):
            library = build.library()
            assert library is not None
            function = getattr(library, name)
        else:
            function = build.compiled(source(optimiser)).step
        found = ctypes.cast(function, ctypes.c_void_p).value
        assert found is not None
        _addresses[key] = found
    return _addresses[key]


def take(cohort: optimisation.CohortOptimiser, gradient: Tensor, scalars: Tensor, member: int) -> None:
    """One member's step in place down `gradient` [P] with its scalars [S], by the function at `address`."""
    rows = (cohort.parameters[member], *(state[member] for state in cohort.state.values()))
    parameters, *states = (ctypes.c_void_p(row.data_ptr()) for row in rows)
    gradient, scalars = gradient.contiguous(), scalars.contiguous()
    _STEP(address(cohort.optimiser))(
        ctypes.c_long(len(gradient)), parameters, (ctypes.c_void_p * len(states))(*states),
        ctypes.c_void_p(gradient.data_ptr()), ctypes.c_void_p(scalars.data_ptr()),
    )  # fmt: skip


def available(optimiser: Optimiser) -> bool:
    """Whether its step has an `address` here."""
    if build.missing():
        return False
    try:
        address(optimiser)
    except NotLowered:
        return False
    return True


def source(optimiser: Optimiser) -> str:
    """The step in C++. Raises NotLowered as `address`."""
    scalars = torch.full((1 + len(optimisation.fusible_names(optimiser)),), 0.5)
    example = [torch.zeros(SIZE), torch.zeros(SIZE), scalars, *(torch.zeros(SIZE) for _ in optimiser.state)]
    with torch.inference_mode(False):
        graph = make_fx(optimisation.one_step(optimiser), tracing_mode="fake")(*example).graph
    return _written(graph, len(optimiser.state))


def _written(graph: fx.Graph, states: int) -> str:
    once: list[str] = []  # statements of a member
    each: list[str] = []  # statements of a parameter
    names: dict[fx.Node, str] = {}
    inputs = iter(["parameters[i]", "gradient[i]", "scalars", *(f"state[{k}][i]" for k in range(states))])
    for node in graph.nodes:
        if node.op == "placeholder":
            names[node] = next(inputs)
        elif node.op == "call_function":
            expression = _expression(node, names)
            if names.get(node):
                continue
            name = f"v{len(names)}"
            (each if _shape(node) == (SIZE,) else once).append(f"const float {name} = {expression};")
            names[node] = name
        elif node.op == "output":
            outputs = [names[result] for result in node.args[0]]
    stored = [f"parameters[i] = {outputs[0]};", *(f"state[{k}][i] = {o};" for k, o in enumerate(outputs[1:]))]
    states_ = "".join(f"float *const s{k} = state[{k}]; " for k in range(states))
    text = "\n        ".join([*each, *stored])
    for k in range(states):
        text = text.replace(f"state[{k}][i]", f"s{k}[i]")
    head = 'extern "C" void step(long size, float *parameters, float *const *state, const float *gradient, const float *scalars)'
    first = "\n    ".join([states_, *once])
    return f"{PRELUDE}{head} {{\n    {first}\n#pragma GCC ivdep\n    for (long i = 0; i < size; i++) {{\n        {text}\n    }}\n}}\n"


def _expression(node: fx.Node, names: dict[fx.Node, str]) -> str:
    """C++ of a node; of a view its `names` entry is set, and '' returned."""

    def word(argument: Any) -> str:
        return names[argument] if isinstance(argument, fx.Node) else literal(argument)

    target: Any = node.target
    arguments: list[Any] = list(node.args)
    if getattr(target, "__name__", "") == "getitem":
        names[node] = f"{names[_node(arguments[0])]}[{arguments[1]}]"
        return ""
    if target is aten.unbind.int:
        names[node] = names[_node(arguments[0])]
        return ""
    if _shape(node) not in ((SIZE,), ()):
        raise NotLowered(f"{target} of shape {list(_shape(node))} in an optimiser's step")
    if any(isinstance(a, fx.Node) and _shape(a) not in ((SIZE,), ()) for a in arguments):
        raise NotLowered(f"{target} in an optimiser's step")
    if any(isinstance(a, fx.Node) and _shape(a) == (SIZE,) for a in arguments) and _shape(node) == ():
        raise NotLowered(f"{target}, which joins parameters, in an optimiser's step")
    if target in (aten.add.Tensor, aten.sub.Tensor) and node.kwargs.get("alpha", 1) != 1:
        arguments[1] = f"({literal(node.kwargs['alpha'])} * {word(arguments[1])})"
    elif node.kwargs and target not in CONSTANTS:
        raise NotLowered(f"{target} with {dict(node.kwargs)}")
    if target in CONSTANTS:
        return literal(CONSTANTS[target](*arguments))
    if target is aten.pow.Tensor_Scalar:
        if arguments[1] in POWERS:
            return POWERS[arguments[1]].format(word(arguments[0]))
        return f"std::pow({word(arguments[0])}, {literal(arguments[1])})"
    form = POINTWISE.get(target) or _BINARY.get(target)
    if form is None:
        raise NotLowered(f"{target} in an optimiser's step")
    return form.format(*(a if isinstance(a, str) else word(a) for a in arguments))


def _node(argument: Any) -> fx.Node:
    assert isinstance(argument, fx.Node)
    return argument


def _shape(node: fx.Node) -> tuple[int, ...]:
    value = node.meta["val"]
    if not isinstance(value, Tensor):
        return (-1,)
    return tuple(value.shape)


_addresses: dict[tuple[object, ...], int] = {}
"""Address of each step, kept for the life of the process."""
