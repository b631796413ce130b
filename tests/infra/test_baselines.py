"""The benchmark's baselines do the project's work: equal losses, steps, evaluations and sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from infra.benchmarks import hand_batched, plain
from infra.benchmarks.workload import BUDGET, cohort, config, structure
from result_schema import METRICS
from trainables import objectives
from trainables.engine import cost
from trainables.engine.training import Training
from trainables.models.batch import Batch
from trainables.runs import Run

RUNS = [replace(run, lam=0.1 * (1 + m)) for m, run in enumerate(cohort(structure(32)))]
WITHOUT_DROPOUT = [run for run in RUNS if run.configuration.critic_dropout == 0][:6]
BATCH = 64


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """x [M, batch, 2] and noise [M, batch, 10]."""
    generator = torch.Generator().manual_seed(3)
    members = len(WITHOUT_DROPOUT)
    x = torch.randn(members, BATCH, 2, generator=generator)
    return x, torch.randn(members, BATCH, 10, generator=generator)


def alone() -> list[plain.System]:
    """One eager system per run."""
    torch.manual_seed(1)
    return [plain.System(config(run)) for run in WITHOUT_DROPOUT]


def stacked(systems: list[plain.System]) -> hand_batched.Systems:
    """The same parameters as one hand-batched model."""
    together = hand_batched.Systems([config(run) for run in WITHOUT_DROPOUT])
    for name in ("encoder", "decoder", "critic"):
        layers = [m for m in getattr(together, name) if isinstance(m, hand_batched.Linear)]
        for m, system in enumerate(systems):
            own = [layer for layer in getattr(system, name) if isinstance(layer, nn.Linear)]
            for layer, theirs in zip(layers, own, strict=True):
                layer.weight.data[m] = theirs.weight.data.t()
                layer.bias.data[m, 0] = theirs.bias.data + 0.01 * m
                theirs.bias.data += 0.01 * m
    return together


@pytest.mark.parametrize("member", [0, 1])
def test_eager_losses_equal_the_objectives(member: int) -> None:
    run, system = WITHOUT_DROPOUT[member], alone()[member]
    x, noise = (values[member] for values in inputs())

    def function(name: str) -> Any:
        net = getattr(system, name)
        squeezed = name == "critic"
        return lambda a, b, _=None: (
            plain.joined(net, a, b).squeeze(1) if squeezed else plain.joined(net, a, b)
        )

    objective, lam = objectives.find(run.algorithm), torch.tensor(run.lam)
    functions = {name: function(name) for name in ("encoder", "decoder", "critic")}
    rows = torch.cat([x, torch.zeros(len(x), run.dataset.classes)], -1)
    batch = Batch(functions, objective.form, run.dataset, rows, noise)
    torch.testing.assert_close(system.critic_loss(x, noise), objective.critic(batch, lam))
    torch.testing.assert_close(system.coder_loss(x, noise), objective.autoencoder(batch, lam))


def test_hand_batched_losses_equal_the_eager_ones() -> None:
    systems = alone()
    together = stacked(systems)
    x, noise = inputs()
    for loss in ("critic_loss", "coder_loss"):
        expected = torch.stack([getattr(s, loss)(x[m], noise[m]) for m, s in enumerate(systems)])
        torch.testing.assert_close(getattr(together, loss)(x, noise), expected)


def test_hand_batched_adam_steps_equal_the_eager_ones() -> None:
    systems = alone()
    together = stacked(systems)
    x, noise = inputs()
    configs = [config(run) for run in WITHOUT_DROPOUT]
    rate, beta1 = hand_batched.column(configs, "learning_rate"), hand_batched.column(configs, "beta1")
    adam = hand_batched.Adam(list(together.encoder.parameters()), rate, beta1)
    adams = [
        torch.optim.Adam(s.encoder.parameters(), lr=c["learning_rate"], betas=(c["beta1"], 0.999))
        for s, c in zip(systems, configs, strict=True)
    ]
    for _ in range(3):
        together.zero_grad()
        together.coder_loss(x, noise).sum().backward()
        adam.step()
        for m, (system, own) in enumerate(zip(systems, adams, strict=True)):
            system.zero_grad()
            system.coder_loss(x[m], noise[m]).backward()
            own.step()
    for m, system in enumerate(systems):
        torch.testing.assert_close(
            together.encoder[0].weight[m].t(), system.encoder[0].weight, rtol=1e-4, atol=1e-6
        )


def test_hand_batched_dropout_has_each_members_probability() -> None:
    torch.manual_seed(0)
    probability = torch.tensor([0.0, 0.2, 0.5]).view(-1, 1, 1)
    dropped = hand_batched.Dropout(probability)(torch.ones(3, 200, 200))
    for m, p in enumerate((0.0, 0.2, 0.5)):
        # 40,000 draws: the standard deviation of the share is below 0.0025.
        assert abs((dropped[m] == 0).float().mean().item() - p) < 0.0125
        kept = dropped[m][dropped[m] > 0]
        torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)))


def test_networks_cost_what_is_counted() -> None:
    run = cohort({**structure(64), "depth": 3})[2]
    c, system, together = (
        run.configuration,
        plain.System(config(run)),
        hand_batched.Systems([config(run)] * 2),
    )
    coder, critic = (
        sum(p.numel() for name, p in net.named_parameters() if name.endswith("weight"))
        for net in (system.encoder, system.critic)
    )
    # One product per weight forward, one backward for the weight and one for the input.
    step, critic_step = 4 * 3 * coder + 2 * 2 * critic, 2 * coder + 2 * 3 * critic
    assert cost.operations(run) == 2 * c.batch_size * (c.steps * step + critic_step)
    for name in ("encoder", "decoder", "critic"):
        sizes = [sum(p.numel() for p in getattr(of, name).parameters()) for of in (system, together)]
        assert sizes[1] == 2 * sizes[0]


def short(run: Run, budget: int) -> dict[str, Any]:
    return {**config(run), "budget": budget, "steps": 1, "width": 8, "depth": 1, "critic_depth": 1}


def test_baselines_are_evaluated_as_often_and_as_fully_as_the_project() -> None:
    assert Training(cohort(structure(32), 2, budget=BUDGET)).evaluate_every == plain.EVALUATE_EVERY
    for trained in (
        plain.train(short(RUNS[0], 70)),
        hand_batched.train([short(run, 70) for run in RUNS[:3]]),
    ):
        values = dict(enumerate(trained, start=1))
        assert len(values) == 70
        assert [iteration for iteration, metrics in values.items() if metrics] == [60, 70]
        assert tuple(values[70]) == METRICS


def test_baselines_learn() -> None:
    runs = [{**short(run, 120), "width": 32, "learning_rate": 1e-3, "steps": 2} for run in RUNS[:2]]
    alone = [list(plain.train(run))[-1]["mse_x"] for run in runs]
    together = list(hand_batched.train(runs))[-1]["mse_x"].tolist()
    # The variance of the data, 3.24, is the error of a constant reconstruction.
    assert max(*alone, *together) < 3.0
