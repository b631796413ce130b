"""Replaying: one iteration as a function of buffers is the plain steps; what a capture forbids is not in it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from tests.trainables.factory import different_runs, run, train
from trainables.engine.blocks import BLOCK, Block
from trainables.engine.cohort import Cohort
from trainables.engine.gradients import gradient_of_one
from trainables.engine.gradients import gradients as gradients_of
from trainables.engine.prefetch import Blocks
from trainables.engine.traced import cuda_graphs
from trainables.engine.traced.cuda_graphs import WARM_UP, Replayed
from trainables.engine.traced.graph import trace
from trainables.objectives.base import JointObjective
from trainables.runs import Run

CPU = torch.device("cpu")
PLAYERS = JointObjective.form.players


def iterated(runs: list[Run], device: str, iterations: int) -> tuple[Cohort, Tensor]:
    """A cohort after some iterations on torch's operations, and its losses."""
    cohort, block = Cohort(runs, torch.device(device), native=False), Block(runs, 0, CPU)
    steps = {"critic": 1, "autoencoder": runs[0].configuration.steps}
    schedule = [(p, i) for i in range(iterations) for p in PLAYERS for _ in range(steps[p])]
    with torch.inference_mode():
        return cohort, cohort.train(block, schedule)


def plain_steps(runs: list[Run], iterations: int) -> tuple[Cohort, Tensor]:
    """The same, step by step on the block's own arrays."""
    cohort, block, losses = Cohort(runs, CPU, native=False), Block(runs, 0, CPU), []
    with torch.inference_mode():
        for iteration in range(iterations):
            for player in ("critic", *["autoencoder"] * runs[0].configuration.steps):
                optimisers = [cohort.optimisers[name] for name in PLAYERS[player]]
                (scalars,) = optimisers[0].scalars(1)
                step = len(losses)
                *gradients, loss = gradients_of(
                    cohort, player, block.x[iteration], block.noise[step], block.dropout[step]
                )
                for optimiser, gradient in zip(optimisers, gradients, strict=True):
                    optimiser.step(gradient, torch.from_numpy(scalars))
                    optimiser.taken += 1
                losses.append(loss)
    return cohort, torch.stack(losses)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_iterations_on_static_buffers_are_the_plain_steps_to_the_bit(precision: str) -> None:
    runs = [replace(r, precision=precision) for r in different_runs()[1:4]]
    (ours, losses), (theirs, expected) = iterated(runs, "cpu", 2), plain_steps(runs, 2)
    assert torch.equal(losses, expected)
    for name, optimiser in ours.optimisers.items():
        other = theirs.optimisers[name]
        assert optimiser.taken == other.taken
        assert torch.equal(optimiser.parameters, other.parameters)
        assert all(
            torch.equal(a, b) for a, b in zip(optimiser.state.values(), other.state.values(), strict=True)
        )


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_step_has_no_tensor_on_the_host_when_its_arguments_are_on_a_device(
    player: str, precision: str
) -> None:
    # A capture forbids copies from the host. Scalars are launch arguments, not copies.
    runs = [replace(r, precision=precision) for r in different_runs()]
    cohort, block = Cohort(runs, CPU, native=False), Block(runs, 0, CPU)
    arguments = (
        *cohort.parameters.values(),
        cohort.lam,
        block.x[0],
        block.noise[0],
        block.dropout[0],
        cohort.chosen,
    )
    graph = trace(vmap(gradient_of_one(cohort, player)), [a.to("meta") for a in arguments]).__self__.graph  # type: ignore[attr-defined]
    values = [node.meta["val"] for node in graph.nodes if isinstance(node.meta.get("val"), Tensor)]
    assert len(values) > 300
    assert {v.device.type for v in values if v.dim()} == {"meta"}
    assert not [node for node in graph.nodes if node.op == "get_attr"]


def test_replayed_calls_the_function_with_copies_where_there_is_no_cuda() -> None:
    replayed, seen = Replayed(CPU), []

    def double(a: Tensor) -> Tensor:
        seen.append(a.data_ptr())
        return 2 * a

    arguments = [torch.full((3,), float(n)) for n in range(2 + WARM_UP)]
    assert [replayed(double, a)[0].item() for a in arguments] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert len(set(seen)) == 1  # the same buffer every time
    assert seen[0] not in [a.data_ptr() for a in arguments]
    assert replayed.graph is None


class FakeGraph:
    """Does at a replay what was captured, to the captured output."""

    def __init__(self, replayed: Replayed, function: object) -> None:
        self.replayed, self.function = replayed, function

    def replay(self) -> None:
        self.replayed._output.copy_(self.function(*self.replayed.inputs))  # type: ignore[operator]


def test_every_call_takes_effect_once_through_warm_up_capture_and_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    total = torch.zeros(1)

    def add(a: Tensor) -> Tensor:
        return total.add_(a).clone()

    def captured(self: Replayed, function: object) -> FakeGraph:
        self._output = torch.empty(1)  # recorded, not computed
        return FakeGraph(self, function)

    monkeypatch.setattr(cuda_graphs.torch.cuda, "device", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(Replayed, "_on_side_stream", lambda self, function: function(*self.inputs))
    monkeypatch.setattr(Replayed, "_captured", captured)
    replayed = Replayed(torch.device("cuda"))
    sums = [replayed(add, torch.full((1,), 2.0)).item() for _ in range(WARM_UP + 3)]
    assert sums == [2.0 * n for n in range(1, WARM_UP + 4)]
    assert replayed.graph is not None


def test_blocks_drawn_ahead_are_those_drawn_when_asked_for() -> None:
    runs = different_runs()
    ahead, here = Blocks(runs, ahead=True), Blocks(runs, ahead=False)
    for number in (0, 1, 7, 8):  # 7: training was continued from a checkpoint
        ours, theirs = ahead.take(number, last=number == 8), here.take(number, last=False)
        assert torch.equal(ours.indices, theirs.indices)
        assert torch.equal(ours.dropout, theirs.dropout)
        assert ours.first_step == theirs.first_step


@pytest.mark.gpu
def test_replayed_iterations_are_the_eager_ones_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = different_runs()
    ours, losses = iterated(runs, "cuda", BLOCK)
    assert all(replayed.graph is not None for replayed in ours.replayed.values())
    monkeypatch.setattr(cuda_graphs, "WARM_UP", BLOCK)  # never captured
    theirs, expected = iterated(runs, "cuda", BLOCK)
    torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-5)
    for name, flat in ours.parameters.items():
        torch.testing.assert_close(flat, theirs.parameters[name], rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
def test_a_gpu_trains_what_a_cpu_trains() -> None:
    runs = [run(a, budget=20, critic_dropout=p) for a in ("svae_r", "alice") for p in (0.0, 0.2)]
    (_, expected), (_, weights) = train(runs), train(runs, "cuda")
    for key, networks in expected.items():
        for name, flat in networks.items():
            torch.testing.assert_close(weights[key][name], flat, rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_a_gpu_in_lower_precision_trains_nearly_the_same(precision: str) -> None:
    runs = [run(budget=20), run("alice", budget=20, critic_dropout=0.2)]
    lower = [replace(r, precision=precision) for r in runs]
    (_, expected), (_, weights) = train(runs, "cuda"), train(lower, "cuda")
    for ours, theirs in zip(lower, runs, strict=True):
        for name, flat in expected[theirs.key].items():
            moved = (flat - Cohort([theirs], CPU).parameters[name][0]).norm()
            assert 0 < (weights[ours.key][name] - flat).norm() < 0.2 * moved
