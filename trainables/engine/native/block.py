"""A block of training by native code: the cohort's arrays and schedule, handed to `native/block.cpp`."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from trainables import objectives
from trainables.datasets import domains
from trainables.engine import gradients
from trainables.engine.assemble import FusedMLP
from trainables.engine.blocks import Block
from trainables.engine.native import build, kernels, lowering, record, steps
from trainables.engine.native.values import NotLowered

if TYPE_CHECKING:
    from trainables.engine.cohort import Cohort

_NETWORKS, _STATES = 8, 4  # block.cpp's limits


class _Player(ctypes.Structure):
    _fields_ = [
        ("losses", ctypes.c_void_p),
        ("count", ctypes.c_long),
        ("trained", ctypes.c_long * _NETWORKS),
    ]


class _Optimiser(ctypes.Structure):
    _fields_ = [
        ("parameters", ctypes.c_void_p),
        ("state", ctypes.c_void_p * _STATES),
        ("states", ctypes.c_long),
        ("size", ctypes.c_long),
        ("clip", ctypes.c_float),
    ]


class _Update(ctypes.Structure):
    _fields_ = [("player", ctypes.c_long), ("batch", ctypes.c_long)]


class _Block(ctypes.Structure):
    """`Block` of block.cpp, field by field."""

    _fields_ = [
        ("members", ctypes.c_long),
        ("networks", ctypes.c_long),
        ("shapes", ctypes.c_void_p),
        ("optimisers", ctypes.c_void_p),
        ("players", ctypes.c_void_p),
        ("step", ctypes.c_void_p),
        ("updates", ctypes.c_long),
        ("schedule", ctypes.c_void_p),
        ("first_member", ctypes.c_long),
        ("end_member", ctypes.c_long),
        ("rows", ctypes.c_long),
        ("x_dim", ctypes.c_long),
        ("noise_dim", ctypes.c_long),
        ("data", ctypes.c_void_p),
        ("indices", ctypes.c_void_p),
        ("noise_keys", ctypes.c_void_p),
        ("first_step", ctypes.c_int64),
        ("dropout", ctypes.c_void_p),
        ("scalars", ctypes.c_void_p),
        ("scalar_count", ctypes.c_long),
        ("lam", ctypes.c_void_p),
        ("scratch_size", ctypes.c_long),
        ("losses", ctypes.c_void_p),
    ]


def train(cohort: Cohort, block: Block, schedule: Sequence[tuple[str, int]], scalars: np.ndarray) -> Tensor:
    """`Cohort.train`: the scheduled steps with their optimiser's scalars [steps, M, S]; losses [steps, M].
    Needs a cohort whose objectives are `available`.
    """
    library = build.library()
    assert library is not None
    names, of = list(cohort.networks), cohort.form.players
    shapes = {name: net.shape for name, net in cohort.networks.items() if isinstance(net, FusedMLP)}
    players = (_Player * len(of))()
    tables, scratch = [], 0
    for struct, (player, trained) in zip(players, of.items(), strict=True):
        losses = [_losses[_key(cohort, player, run.algorithm)] for run in cohort.runs]
        tables.append((ctypes.c_void_p * len(losses))(*(address for address, *_ in losses)))
        struct.losses, struct.count = ctypes.addressof(tables[-1]), len(trained)
        struct.trained[: len(trained)] = [names.index(name) for name in trained]
        for passes, floats in {(passes, floats) for _, passes, floats in losses}:
            sizes = (kernels.saved_size(shapes[names[network]], rows) for network, rows in passes)
            scratch = max(scratch, sum(sizes) + floats)
    optimisers = (_Optimiser * len(names))()
    for struct, name in zip(optimisers, names, strict=True):
        o = cohort.optimisers[name]
        struct.parameters, struct.size, struct.states = (
            o.parameters.data_ptr(),
            o.parameters.shape[1],
            len(o.state),
        )
        struct.state[: len(o.state)] = [array.data_ptr() for array in o.state.values()]
        struct.clip = (cohort.form.clip or 0.0) if name in of.get("critic", ()) else 0.0
        o.taken += sum(name in of[player] for player, _ in schedule)
    order = list(of)
    updates = (_Update * len(schedule))(*(_Update(order.index(player), i) for player, i in schedule))
    networks = (kernels.Network * len(names))(*(kernels.Network(*shape) for shape in shapes.values()))
    values, result = torch.from_numpy(scalars), torch.empty(len(schedule), len(cohort))
    arrays = {
        "noise_keys": block.noise_keys, "dropout": block.dropout,
        "scalars": values, "lam": cohort.lam, "losses": result,
    }  # fmt: skip
    assert all(array.is_contiguous() for array in arrays.values())
    what = _Block(
        members=len(cohort), networks=len(names), shapes=ctypes.addressof(networks),
        optimisers=ctypes.addressof(optimisers), players=ctypes.addressof(players),
        step=steps.address(cohort.optimisers[names[0]].optimiser), updates=len(schedule), schedule=ctypes.addressof(updates),
        rows=block.batch_size, x_dim=domains.width(cohort.dataset), noise_dim=block.noise_size, first_step=block.first_step,
        scalar_count=scalars.shape[-1], scratch_size=scratch, **{name: array.data_ptr() for name, array in arrays.items()},
    )  # fmt: skip
    if cohort.dataset.as_stored:
        (points,) = cohort.data
        assert points.is_contiguous()
        assert block.indices.is_contiguous()
        what.data, what.indices, what.end_member = (
            points.data_ptr(),
            block.indices.data_ptr(),
            len(cohort),
        )
        library.train(ctypes.byref(what))
    else:
        for m in range(len(cohort)):  # of one member after the other, as there is not room for all
            rows = domains.rows(cohort.dataset, cohort.data, block.indices[:, :, m]).contiguous()
            what.data, what.first_member, what.end_member = rows.data_ptr(), m, m + 1
            library.train(ctypes.byref(what))
    return result


def available(cohort: Cohort) -> bool:
    """Whether all of the cohort's objectives, and its optimiser, can be lowered; compiles what is not yet, all at once."""
    pairs = list(itertools.product(cohort.form.players, [objective.name for objective in cohort.objectives]))
    optimiser = next(iter(cohort.optimisers.values())).optimiser
    if len(cohort.networks) > _NETWORKS or len(optimiser.state) > _STATES:
        return False
    try:
        steps.address(optimiser)
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
        _losses[key] = address, loss.passes, loss.floats
    return True


_losses: dict[tuple[object, ...], tuple[int, lowering.Passes, int]] = {}
"""Address of each compiled loss and gradient, its forward passes and its floats in scratch memory, by `_key`; kept for the life of the process."""


def _key(cohort: Cohort, player: str, algorithm: str) -> tuple[object, ...]:
    """What a player's loss depends on beside its arguments, which the networks' sizes are.

    A member runs its own objective's code, whatever the others' are.
    """
    return player, algorithm, cohort.dataset.name, cohort.dataset.z_dim, cohort.configuration.batch_size


def _lowered(cohort: Cohort, player: str, algorithm: str) -> lowering.Lowered:
    size, objective = cohort.configuration.batch_size, objectives.find(algorithm)
    x = torch.empty(size, domains.width(cohort.dataset))
    noise = torch.empty(size, sum(cohort.form.dims(cohort.dataset).values()))
    dropout = torch.empty(2, 5, dtype=torch.int64)

    def trace() -> lowering.Lowered:
        flats = (flat[0] for flat in cohort.parameters.values())
        with torch.inference_mode(False):
            gradient = gradients.gradient_of_one(cohort, player, objective)
            return lowering.lower(gradient, (*flats, cohort.lam[0], x, noise, dropout), len(cohort.networks))

    what = (_key(cohort, player, algorithm), cohort.form.key, tuple(x.shape), tuple(noise.shape))
    return record.recalled(objective, cohort.dataset, what, trace)
