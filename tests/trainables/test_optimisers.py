"""Optimisers against torch's, on every engine; and what a member's step depends on."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import replace
from typing import final

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables.factory import run
from trainables import configurations
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.native import build, steps
from trainables.engine.native.values import NotLowered
from trainables.engine.optimisation import CohortAdam, Vectorised, fusible_names, made
from trainables.optimisers.adam import Adam
from trainables.optimisers.base import Optimiser
from trainables.optimisers.rmsprop import RMSProp
from trainables.parameters import fusible

CPU = torch.device("cpu")
needs_compiler = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")


def taken(optimiser: CohortAdam | Vectorised, gradients: Tensor) -> Tensor:
    """The parameters after a step down each of the gradients [steps, M, P]."""
    for gradient in gradients:
        optimiser.step(gradient, torch.from_numpy(optimiser.scalars(1)[0]))
        optimiser.taken += 1
    return optimiser.parameters


def test_rmsprop_takes_the_steps_of_torch_for_every_member() -> None:
    draw = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(3, 64, generator=draw), torch.randn(20, 3, 64, generator=draw)
    rates, alphas = [1e-3, 1e-2, 3e-4], [0.99, 0.9, 0.5]
    columns = {"learning_rate": torch.tensor(rates), "alpha": torch.tensor(alphas)}
    ours = taken(Vectorised(RMSProp(), start.clone(), columns), gradients)
    for m, (rate, alpha) in enumerate(zip(rates, alphas, strict=True)):
        theirs = start[m].clone().requires_grad_()
        optimiser = torch.optim.RMSprop([theirs], lr=rate, alpha=alpha)
        for gradient in gradients[:, m]:
            theirs.grad = gradient.clone()
            optimiser.step()
        torch.testing.assert_close(ours[m], theirs.detach(), rtol=1e-5, atol=1e-6)


def test_adam_as_one_reads_it_is_the_hand_written_one() -> None:
    draw = torch.Generator().manual_seed(1)
    start, gradients = torch.randn(2, 64, generator=draw), torch.randn(20, 2, 64, generator=draw)
    columns = {"learning_rate": torch.tensor([1e-3, 1e-2]), "beta1": torch.tensor([0.5, 0.9]), "weight_decay": torch.tensor([0.0, 0.1])}  # fmt: skip
    as_read, by_hand = (
        taken(kind(Adam(), start.clone(), columns), gradients) for kind in (Vectorised, CohortAdam)
    )
    torch.testing.assert_close(as_read, by_hand, rtol=1e-5, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("algorithm", ["svae_r", "wgan"])
def test_a_step_in_cpp_is_that_on_torchs_operations(algorithm: str) -> None:
    runs = [run(algorithm, seed=s).configuration for s in range(3)]
    changed = [
        configurations.fitted({**c.values, "optimiser": "rmsprop", "alpha": 0.9, "learning_rate": 1e-3 / 2**s})
        for s, c in enumerate(runs)
    ]  # fmt: skip
    members = [replace(run(algorithm, seed=s), configuration=c) for s, c in enumerate(changed)]
    cohorts = [Cohort(members, CPU, native) for native in (True, False)]
    assert [cohort.native for cohort in cohorts] == [True, False]
    block = Block(members, 0, CPU)
    players = cohorts[0].form.updates(2)
    schedule = [(player, 0) for player in players]
    with torch.inference_mode():
        losses = [cohort.train(block, schedule) for cohort in cohorts]
    torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-4)
    for name in cohorts[0].parameters:
        assert bool((cohorts[0].optimisers[name].state["square"] > 0).any())


@needs_compiler
@pytest.mark.parametrize("optimiser", [RMSProp(), Adam()])
def test_a_step_in_cpp_is_the_equation(optimiser: Optimiser) -> None:
    draw = torch.Generator().manual_seed(2)
    flat, gradient = torch.randn(128, generator=draw), torch.randn(128, generator=draw)
    state = [torch.rand(128, generator=draw) for _ in optimiser.state]
    columns = {name: torch.tensor([0.1]) for name in fusible_names(optimiser)}
    scalars = torch.from_numpy(made(optimiser, flat[None], columns).scalars(1)[0, 0].copy())
    values = {name: torch.tensor(0.1) for name in columns}
    expected, after = type(optimiser)(**values).update(
        flat, gradient, dict(zip(optimiser.state, state, strict=True)), torch.tensor(1.0)
    )
    mine, kept = flat.clone(), [array.clone() for array in state]
    pointers = (ctypes.c_void_p * len(kept))(*(array.data_ptr() for array in kept))
    step = ctypes.CFUNCTYPE(None, ctypes.c_long, *[ctypes.c_void_p] * 4)(steps.address(optimiser))
    step(128, mine.data_ptr(), ctypes.addressof(pointers), gradient.data_ptr(), scalars.data_ptr())
    torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(kept, list(after.values()), rtol=1e-5, atol=1e-6)


@final
class Normalised(Optimiser):
    """Gradient descent along the direction of the gradient: a parameter's step depends on all of the member's."""

    name = "normalised"
    learning_rate: float = fusible(above=0.0)

    def update(
        self, parameters: Tensor, gradient: Tensor, state: Mapping[str, Tensor], step: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return parameters - self.learning_rate * gradient / gradient.norm(), {}


def test_a_norm_is_each_members_own_and_trains_on_torchs_operations() -> None:
    with pytest.raises(NotLowered, match="joins parameters"):
        steps.source(Normalised())
    gradients = torch.tensor([[[3.0, 4.0] * 32, [1.0, 0.0] * 32]])
    after = taken(
        Vectorised(Normalised(), torch.zeros(2, 64), {"learning_rate": torch.tensor([1.0, 2.0])}), gradients
    )
    # The norms are √(32 · 25) and √32.
    np.testing.assert_allclose(after[0, :2], [-3 / 800**0.5, -4 / 800**0.5], rtol=1e-5)
    np.testing.assert_allclose(after[1, :2], [-2 / 32**0.5, 0], rtol=1e-5)


@needs_compiler
def test_a_step_in_cpp_computes_what_belongs_to_a_member_once() -> None:
    source = steps.source(RMSProp())
    loop = source.index("for (long i")
    assert source.index("(1.0f - scalars[2])") < loop < source.index("std::sqrt", loop)
