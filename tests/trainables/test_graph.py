"""The traced graph against the function it was traced from."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from tests.trainables.factory import different_runs
from trainables import networks, objectives
from trainables.cohort import Cohort
from trainables.draws import Block
from trainables.graph import trace
from trainables.joint import JointBatch
from trainables.objectives.base import PLAYERS


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("with_dropout", [False, True])
def test_traced_gradients_equal_ordinary_autograd_of_each_model_alone(
    player: str, with_dropout: bool
) -> None:
    runs = different_runs()
    device = torch.device("cpu")
    cohort, block = Cohort(runs, device), Block(runs, 0, device)
    x, noise = block.x[0], block.noise[0, 1]
    dropout = block.dropout() if with_dropout else None
    arguments = (
        *cohort._all_leaves(),
        cohort.lam,
        cohort.chosen,
        x,
        noise,
        *([dropout] if with_dropout else []),
    )
    copies = [a.clone() for a in arguments]
    gradient, loss = trace(cohort._gradient(player), arguments)(*arguments)
    assert all(torch.equal(a, b) for a, b in zip(arguments, copies, strict=True))  # nothing is overwritten

    leaves = {p: iter(cohort.leaves[p]) for p in PLAYERS}
    values = {
        name: {key: next(leaves[p]) for key, _ in cohort.networks[name].named_parameters()}
        for p, names in PLAYERS.items()
        for name in names
    }
    for m, run in enumerate(runs):
        nets = networks.build(run.configuration)
        own = {name: {k: v[m].clone().requires_grad_() for k, v in values[name].items()} for name in nets}
        functions = {
            name: (lambda *inputs, net=net, name=name: functional_call(net, own[name], inputs))  # noqa: B023
            for name, net in nets.items()
        }
        batch = JointBatch(functions, x[m], noise[m], None if dropout is None else dropout[m])
        expected = getattr(objectives.find(run.algorithm), player)(batch, torch.tensor(run.lam))
        trained = [p for name in PLAYERS[player] for p in own[name].values()]
        flat = torch.cat([g.flatten() for g in torch.autograd.grad(expected, trained)])
        torch.testing.assert_close(loss[m], expected.detach(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(gradient[m, : flat.numel()], flat, rtol=1e-4, atol=1e-6)
        assert not gradient[m, flat.numel() :].any()


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
