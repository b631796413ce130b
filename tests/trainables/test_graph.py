"""The traced graph against the function it was traced from."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call, vmap

from tests.trainables.factory import different_runs
from trainables import objectives
from trainables.engine import assemble
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.gradients import gradient_of_one
from trainables.engine.traced.graph import trace
from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective

PLAYERS = JointObjective.form.players


def gradients_alone(
    cohort: Cohort, player: str, block: Block, step: int, m: int
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Gradients and loss of one member by ordinary autograd over torch's operations."""
    run = cohort.runs[m]
    nets = {
        name: built.net
        for name, built in assemble.build(run.configuration, cohort.form, cohort.dataset).items()
    }
    own = {name: flat[m].clone().requires_grad_() for name, flat in cohort.parameters.items()}
    functions = {
        name: (lambda *inputs, net=net, name=name: functional_call(net, {"flat": own[name]}, inputs))
        for name, net in nets.items()
    }
    batch = Batch(
        functions, cohort.form, cohort.dataset, block.x[0][m], block.noise[step][m], block.dropout[step][m]
    )
    loss = getattr(objectives.find(run.algorithm), player)(batch, torch.tensor(run.lam))
    return list(torch.autograd.grad(loss, [own[name] for name in PLAYERS[player]])), loss.detach()


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("native", [False, True])
def test_traced_gradients_equal_ordinary_autograd_of_each_model_alone(player: str, native: bool) -> None:
    runs = different_runs()
    device = torch.device("cpu")
    cohort, block = Cohort(runs, device, native), Block(runs, 0, device)
    arguments = (
        *cohort.parameters.values(),
        cohort.lam,
        block.x[0],
        block.noise[1],
        block.dropout[1],
        cohort.chosen,
    )
    copies = [a.clone() for a in arguments]
    *gradients, loss = trace(vmap(gradient_of_one(cohort, player)), arguments)(*arguments)
    assert all(torch.equal(a, b) for a, b in zip(arguments, copies, strict=True))  # nothing is overwritten
    for m in range(len(runs)):
        expected, value = gradients_alone(cohort, player, block, 1, m)
        torch.testing.assert_close(loss[m], value, rtol=1e-5, atol=1e-6)
        for ours, theirs in zip(gradients, expected, strict=True):
            torch.testing.assert_close(ours[m], theirs, rtol=1e-4, atol=1e-6)


def test_trace_keeps_a_value_that_is_read_twice() -> None:
    # relu(a @ b + c) is read by the sum and by the product: in-place reuse must not corrupt either.
    def function(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, ...]:
        h = torch.bmm(a, b) + c
        r = torch.relu(h)
        return r + torch.bmm(r, b), h, r * h

    generator = torch.Generator().manual_seed(1)
    arguments = [torch.randn(3, 4, 4, generator=generator) for _ in range(3)]
    for ours, theirs in zip(trace(function, arguments)(*arguments), function(*arguments), strict=True):
        torch.testing.assert_close(ours, theirs)
