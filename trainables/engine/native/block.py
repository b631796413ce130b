"""A block of training by native code: the cohort's arrays and schedule, handed to `native/block.cpp`."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from trainables import objectives
from trainables.engine.blocks import Block
from trainables.engine.native import build, kernels, lowering, record
from trainables.engine.native.values import NotLowered
from trainables.optimisers import adam

if TYPE_CHECKING:
    from trainables.engine.cohort import Cohort

_NETWORKS = 8  # block.cpp's limit


class _Player(ctypes.Structure):
    _fields_ = [
        ("losses", ctypes.c_void_p),
        ("count", ctypes.c_long),
        ("trained", ctypes.c_long * _NETWORKS),
    ]


class _Optimiser(ctypes.Structure):
    _fields_ = [
        ("parameters", ctypes.c_void_p),
        ("first", ctypes.c_void_p),
        ("second", ctypes.c_void_p),
        ("size", ctypes.c_long),
        ("clip", ctypes.c_float),
    ]


class _Update(ctypes.Structure):
    _fields_ = [("player", ctypes.c_long), ("batch", ctypes.c_long), ("correction", ctypes.c_float)]


def train(
    cohort: Cohort,
    block: Block,
    schedule: Sequence[tuple[str, int]],
    rates: np.ndarray,
    corrections: Sequence[float],
) -> Tensor:
    """`Cohort.train`: the scheduled steps with Adam's rates [steps, M] and corrections [steps]; losses [steps, M].
    Needs a cohort whose objectives are `available`.
    """
    library = build.library()
    assert library is not None
    names = list(cohort.networks)
    shapes = {name: net.shape for name, net in cohort.networks.items()}
    of = cohort.form.players
    players = (_Player * len(of))()
    tables, scratch = [], 0
    for struct, (player, trained) in zip(players, of.items(), strict=True):
        losses = [_losses[_key(cohort, player, run.algorithm)] for run in cohort.runs]
        tables.append((ctypes.c_void_p * len(losses))(*(address for address, _ in losses)))
        struct.losses, struct.count = ctypes.addressof(tables[-1]), len(trained)
        struct.trained[: len(trained)] = [names.index(name) for name in trained]
        for passes in {passes for _, passes in losses}:
            sizes = (kernels.saved_size(shapes[names[network]], rows) for network, rows in passes)
            scratch = max(scratch, sum(sizes))
    optimisers = (_Optimiser * len(names))()
    for struct, name in zip(optimisers, names, strict=True):
        o = cohort.optimisers[name]
        struct.parameters, struct.first, struct.second = (
            a.data_ptr() for a in (o.parameters, o.first, o.second)
        )
        struct.size = o.parameters.shape[1]
        struct.clip = (cohort.form.clip or 0.0) if name in of.get("critic", ()) else 0.0
        o.taken += sum(name in of[player] for player, _ in schedule)
    order = list(of)
    updates = (_Update * len(schedule))(
        *(_Update(order.index(player), i, c) for (player, i), c in zip(schedule, corrections, strict=True))
    )
    some = cohort.optimisers[names[0]]
    result = torch.empty(len(schedule), len(cohort))
    number, real = ctypes.c_long, ctypes.c_float
    arguments: list[Any] = [
        number(len(cohort)), number(len(names)), (kernels.Network * len(names))(*(kernels.Network(*s) for s in shapes.values())), optimisers, players,
        number(len(schedule)), updates, number(block.batch_size), number(cohort.data.shape[1]), number(block.noise_size),
        cohort.data, block.indices, block.noise_keys, ctypes.c_int64(block.first_step), block.dropout,
        torch.from_numpy(rates), cohort.lam, some.beta1,
        some.one_minus_beta1, torch.empty(0) if some.kept is None else some.kept, real(adam.BETA2), real(1 - adam.BETA2), real(adam.EPSILON), number(scratch), result,
    ]  # fmt: skip
    tensors = [a for a in arguments if isinstance(a, Tensor)]
    assert all(t.is_contiguous() for t in tensors)
    library.train(*(ctypes.c_void_p(a.data_ptr() or None) if isinstance(a, Tensor) else a for a in arguments))
    return result


def available(cohort: Cohort) -> bool:
    """Whether all of the cohort's objectives can be lowered; compiles what is not yet, all at once."""
    pairs = list(itertools.product(cohort.form.players, [objective.name for objective in cohort.objectives]))
    try:
        lowered = {
            _key(cohort, *pair): _lowered(cohort, *pair)
            for pair in pairs
            if _key(cohort, *pair) not in _losses
        }
    except NotLowered:
        return False
    with ThreadPoolExecutor() as pool:
        libraries = pool.map(build.compiled, (loss.source for loss in lowered.values()))
    for (key, loss), library in zip(lowered.items(), libraries, strict=True):
        address = ctypes.cast(library.loss, ctypes.c_void_p).value
        assert address is not None
        _losses[key] = address, loss.passes
    return True


_losses: dict[tuple[object, ...], tuple[int, lowering.Passes]] = {}
"""Address of each compiled loss and gradient, and its forward passes, by `_key`; kept for the life of the process."""


def _key(cohort: Cohort, player: str, algorithm: str) -> tuple[object, ...]:
    """What a player's loss depends on beside its arguments, which the networks' sizes are.

    A member runs its own objective's code, whatever the others' are.
    """
    return player, algorithm, cohort.dataset.name, cohort.configuration.batch_size


def _lowered(cohort: Cohort, player: str, algorithm: str) -> lowering.Lowered:
    size, objective = cohort.configuration.batch_size, objectives.find(algorithm)
    x = torch.empty(size, cohort.data.shape[1])
    noise = torch.empty(size, sum(cohort.form.dims(cohort.dataset).values()))
    dropout = torch.empty(2, 5, dtype=torch.int64)

    def trace() -> lowering.Lowered:
        flats = (flat[0] for flat in cohort.parameters.values())
        with torch.inference_mode(False):
            gradient = cohort.gradient_of_one(player, objective)
            return lowering.lower(gradient, (*flats, cohort.lam[0], x, noise, dropout), len(cohort.networks))

    what = (_key(cohort, player, algorithm), cohort.form.key, tuple(x.shape), tuple(noise.shape))
    return record.recalled(objective, cohort.dataset, what, trace)
