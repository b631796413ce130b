"""The speed of the processor here, measured in about half a second and kept beside the kernels, a file per processor.

Short multi-layer perceptrons go forward and backward at a few widths, on every core at once as in training. Processor
time is taken and the least of several rounds counts: what else the machine does is left out. A measurement whose
rounds disagree is used and not kept.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import json
import math
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from trainables import cache, objectives
from trainables.configurations import ROLES
from trainables.engine.cost import Speed
from trainables.engine.native import build, kernels
from trainables.networks.mlp import Perceptron
from trainables.runs import Run

WIDTHS = (32, 64, 128, 256)
DEPTHS = (1, 3)
"""A network of one hidden layer is edges alone; what two more take is layers'."""

INPUTS, OUTPUTS, ROWS, MEMBERS = 4, 2, 128, 6

ROUNDS = 4
ROUND_SECONDS = 0.012
"""Time of one network in a round."""

STEADY = 1.1
"""Rounds agree where the middle one takes at most so many times the least, on average."""

PYTHON_SECONDS = 0.96e-3
"""Time of `_python` on a Zen 4 core."""

TRACED = 1.8
"""Time of a block of training on torch's operations over that of its products: dropout, noise and losses too."""

MOST_THREADS = 16


def of(run: Run, cores: int) -> Speed:
    """The speed of a core here at what trains the run, while `cores` of them train."""
    form = objectives.find(run.algorithm).form
    parts = [run.configuration.part(role) for role in ROLES]
    fits = all(isinstance(part, Perceptron) and part.width % kernels.WIDTH == 0 for part in parts)
    fused = run.precision == "float32" and fits and not form.twice
    return here(fused and not build.missing(), cores)


@functools.cache
def here(fused: bool, cores: int) -> Speed:
    """The speed of a core, from its file or measured; with the native kernels, or of torch's operations."""
    path = _file(fused, cores)
    try:
        return _read(path)
    except (OSError, ValueError, TypeError, KeyError):  # none yet, or not whole
        speed, steady = measure(fused, cores)
        if steady:
            cache.keep(path, json.dumps(asdict(speed)))
        return speed


def measure(fused: bool, cores: int) -> tuple[Speed, bool]:
    """The speed of a core while so many are busy, and whether it was the same all the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(cores := min(cores, MOST_THREADS)) as pool:
            rounds = np.array(
                list(pool.map(lambda _: _rounds(fused), range(cores)))
            )  # [cores, rounds, tasks]
    finally:
        torch.set_num_threads(threads)
    best = rounds.min(axis=1).mean(axis=0)
    steady = bool((np.median(rounds, axis=1) / rounds.min(axis=1)).mean() < STEADY)
    edges, layers = [], []
    for width, (shallow, deep) in zip(WIDTHS, best[:-1].reshape(-1, len(DEPTHS)), strict=True):
        # For each input of a layer: forward, and backward twice.
        step = 3 * 2.0 * ROWS * MEMBERS * width / (1.0 if fused else TRACED)
        edges.append(step * (INPUTS + OUTPUTS) / shallow)
        layers.append(step * width * (DEPTHS[1] - DEPTHS[0]) / max(deep - shallow, deep / 2))
    return Speed(WIDTHS, tuple(edges), tuple(layers), float(best[-1]) / PYTHON_SECONDS), steady


def _rounds(fused: bool) -> list[list[float]]:
    """Processor seconds of each task in each round."""
    make = _by_kernels if fused else _by_torch
    tasks = [make(kernels.Shape(INPUTS, width, depth, OUTPUTS)) for width in WIDTHS for depth in DEPTHS]
    tasks.append(_python)
    return [[_time(task) for task in tasks] for _ in range(ROUNDS)]


def _time(task: Callable[[], object]) -> float:
    """Processor seconds of a call, the middle one of those that fit into a round."""
    task()
    times: list[float] = []
    end = time.perf_counter() + ROUND_SECONDS
    while not times or time.perf_counter() < end:
        started = time.thread_time()
        task()
        times.append(time.thread_time() - started)
    return float(np.median(times))


def _by_kernels(shape: kernels.Shape) -> Callable[[], object]:
    """MEMBERS networks forward and backward by the native kernels."""
    library = build.library()
    assert library is not None
    draw = torch.Generator().manual_seed(0)
    size = -(-sum(a * b + b for a, b in _layers(shape)) // 64) * 64
    flat = torch.randn(MEMBERS, size, generator=draw) / shape.width**0.5
    h, dy = (torch.randn(MEMBERS, ROWS, n, generator=draw) for n in (INPUTS, OUTPUTS))
    y, dh, gradient = torch.empty_like(dy), torch.empty_like(h), torch.empty_like(flat)
    saved = torch.empty(MEMBERS, kernels.saved_size(shape, ROWS))
    number, network = ctypes.c_long, ctypes.byref(kernels.Network(*shape))
    flat_, h_, dy_, y_, dh_, gradient_, saved_ = (
        ctypes.c_void_p(a.data_ptr()) for a in (flat, h, dy, y, dh, gradient, saved)
    )
    common = (network, number(MEMBERS), number(ROWS), flat_, number(size), h_, ctypes.c_void_p(None))

    def task(keep: object = (flat, h, dy, y, dh, gradient, saved)) -> None:
        library.mlp_forward(*common, y_, saved_)
        library.mlp_backward(*common, saved_, dy_, gradient_, number(size), dh_)

    return task


def _by_torch(shape: kernels.Shape) -> Callable[[], object]:
    """The same on torch's operations."""
    draw = torch.Generator().manual_seed(0)
    layers = [torch.randn(MEMBERS, a, b, generator=draw) / a**0.5 for a, b in _layers(shape)]
    h = torch.randn(MEMBERS, ROWS, INPUTS, generator=draw)
    arguments = [a.requires_grad_() for a in (h, *layers)]

    def task() -> None:
        units, (*hidden, last) = h, layers
        for weight in hidden:
            units = (units @ weight).relu()
        torch.autograd.grad((units @ last).sum(), arguments)

    return task


_TEXT = "def f(a, b):\n    return [a * i + b for i in range(10) if i > a]\n" * 40


def _python() -> None:
    """Work of the interpreter."""
    compile(_TEXT, "speed", "exec")


def _layers(shape: kernels.Shape) -> list[tuple[int, int]]:
    sizes = (shape.inputs, *(shape.width,) * shape.depth, shape.outputs)
    return list(itertools.pairwise(sizes))


def _file(fused: bool, cores: int) -> Path:
    """Where the speed is kept: by the processor and the kernels, or where there are none torch, and Python."""
    what = build.kernels().name if fused else torch.__version__
    content = (platform.python_version(), build._processor(), what, str(cores))
    digest = hashlib.blake2b("\0".join(content).encode(), digest_size=8).hexdigest()
    return cache.folder() / f"speed-{digest}.json"


def _read(path: Path) -> Speed:
    """Raises OSError, ValueError, TypeError or KeyError where there is no whole one."""
    values = json.loads(path.read_text())
    edges, layers = tuple(values["edges"]), tuple(values["layers"])
    speed = Speed(tuple(values["widths"]), edges, layers, float(values["python"]))
    rates = (*speed.edges, *speed.layers, speed.python)
    whole = speed.widths == WIDTHS and len(edges) == len(layers) == len(WIDTHS)
    if not whole or not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise ValueError(f"{path} must have finite speeds > 0 at widths {WIDTHS}, got {values}")
    return speed
