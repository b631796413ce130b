"""Losses in C++ against the same losses on torch's operations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from tests.trainables.factory import different_runs, run
from trainables import objectives
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.native import block, build, lowering
from trainables.engine.training import Training
from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective
from trainables.parameters import weight
from trainables.runs import Run

pytestmark = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
CPU = torch.device("cpu")
PLAYERS = JointObjective.form.players


class ManyOperations(JointObjective):
    """Uses what an objective may: every kind of arithmetic, view and sum, and numbers of its own."""

    name: ClassVar[str] = "many_operations"
    label: ClassVar[str] = "many operations"
    lam = weight()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        f = torch.stack([batch.f_q, batch.f_p], dim=1)
        weights = torch.sigmoid(f - f.mean(0)) / (1 + torch.exp(-f.abs()))
        spread = torch.cat([batch.z_q, batch.x_p], dim=-1).square().sum(-1, keepdim=True)
        ratio = torch.log1p(spread).sqrt() + torch.tanh(f).sum(1, keepdim=True) / 3
        pairs = batch.z_q.unsqueeze(1) - batch.z_q.unsqueeze(0)[:, :4]
        close = torch.exp(-pairs.pow(2).mean(-1)).mean() * torch.tensor([[0.5], [0.25]]).sum()
        close = close + torch.tanh(batch.z_q @ batch.x_p.t()).mean()
        return (weights * ratio).mean() - 2 * close + lam * batch.R_x + softplus(-f[:, 0]).mean()


class Cumulative(JointObjective):
    """Has an operation that is not lowered."""

    name: ClassVar[str] = "cumulative"
    label: ClassVar[str] = "cumulative"

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        return torch.cumsum(batch.f_p - batch.f_q, 0).mean()


@pytest.fixture
def more_objectives(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    there = dict(objectives.available())
    monkeypatch.setattr(
        objectives,
        "available",
        lambda: {**there, "many_operations": ManyOperations(), "cumulative": Cumulative()},
    )
    yield
    for key in [k for k in block._losses if {"many_operations", "cumulative"} & set(k)]:
        del block._losses[key]


def trained(runs: list[Run], native_kernels: bool, iterations: int) -> tuple[Cohort, Tensor]:
    cohort = Cohort(runs, CPU, native_kernels)
    steps = {"critic": 1, "autoencoder": runs[0].configuration.steps}
    schedule = [(p, i) for i in range(iterations) for p in PLAYERS for _ in range(steps[p])]
    torch.set_flush_denormal(True)
    with torch.inference_mode():
        return cohort, cohort.train(Block(runs, 2, CPU), schedule)


def assert_equivalent(runs: list[Run], iterations: int) -> None:
    (ours, losses), (theirs, expected) = trained(runs, True, iterations), trained(runs, False, iterations)
    assert ours.native
    assert not theirs.native
    torch.testing.assert_close(losses, expected, rtol=1e-3, atol=1e-4)
    for name, flat in ours.parameters.items():
        torch.testing.assert_close(flat, theirs.parameters[name], rtol=1e-3, atol=1e-4)
        assert ours.optimisers[name].taken == theirs.optimisers[name].taken


@pytest.mark.parametrize(
    "structure",
    [{}, {"depth": 3, "width": 64, "critic_depth": 1, "steps": 1}, {"batch_size": 96, "depth": 1}],
)
def test_native_training_is_that_of_torch_for_every_objective(structure: dict[str, int]) -> None:
    assert_equivalent(different_runs(**structure), iterations=6)


@pytest.mark.usefixtures("more_objectives")
def test_arithmetic_views_and_sums_are_those_of_torch() -> None:
    assert_equivalent([run("many_operations", lr_seed) for lr_seed in (0.1, 1.0)], iterations=4)


@pytest.mark.usefixtures("more_objectives")
def test_values_that_are_too_large_for_a_stack_lie_in_scratch_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [run("many_operations", 0.1)]
    monkeypatch.setattr(lowering, "STACK", 2000)
    assert_equivalent(runs, iterations=4)
    assert block._lowered(Cohort(runs, CPU), "autoencoder", "many_operations").floats > 2000


@pytest.mark.usefixtures("more_objectives")
def test_an_objective_that_is_not_lowered_trains_on_torch() -> None:
    training = Training([run("cumulative", budget=20), run("svae_r", budget=20)])
    assert not training.cohort.native
    while not training.finished:
        training.advance()
    assert all(result.metrics for result in training.results())


def test_a_loss_has_each_of_its_loops_once() -> None:
    # Four planar layers of encoder and decoder, and their gradients: 485 loops, 84 of them
    # distinct. A compiler takes as long as there are distinct ones.
    source = block._lowered(Cohort([run("as_vae_flow")], CPU), "autoencoder", "as_vae_flow").source
    loops = re.findall(r"^static .* void loop\d+(.*)$", source, re.MULTILINE)
    assert len(re.findall(r"^    loop\d+\(", source, re.MULTILINE)) > 400
    assert len(loops) < 100
    assert len(set(loops)) == len(loops)


@pytest.mark.slow
@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_the_curve_of_a_native_run_is_that_of_torch(width: int) -> None:
    # Rounding grows along an adversarial game: over 100 iterations the curves stay together, not the bits.
    runs = [run(a, budget=100, width=width, learning_rate=1e-4) for a in ("svae_r", "alice")]
    curves = []
    for native_kernels in (True, False):
        training = Training(runs)
        training.cohort = Cohort(runs, CPU, native_kernels)
        while not training.finished:
            training.advance()
        curves.append([point["mse_x"] for r in training.results() for point in r.curve])
    assert curves[0] == pytest.approx(curves[1], rel=0.02)
