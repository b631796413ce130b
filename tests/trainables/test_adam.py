"""The cohort's Adam against torch's."""

import pytest
import torch

from trainables.engine.optimisation import CohortAdam
from trainables.optimisers.adam import Adam


def adam_of(
    parameters: torch.Tensor, rates: list[float], betas: list[float], decays: list[float]
) -> CohortAdam:
    columns = {"learning_rate": rates, "beta1": betas, "weight_decay": decays}
    return CohortAdam(Adam(), parameters, {name: torch.tensor(values) for name, values in columns.items()})


def test_adam_takes_the_steps_of_torch_for_every_member() -> None:
    generator = torch.Generator().manual_seed(0)
    rates, betas = [1e-3, 1e-2, 3e-4], [0.5, 0.9, 0.0]
    start = torch.randn(3, 64, generator=generator)
    gradients = torch.randn(30, 3, 64, generator=generator)
    ours = start.clone()
    decays = [0.0, 0.1, 1.0]
    adam = adam_of(ours, rates, betas, decays)
    for i, gradient in enumerate(gradients):
        if i % 10 == 0:
            scheduled = torch.from_numpy(adam.scalars(10))
        adam.step(gradient, scheduled[i % 10])
        adam.taken += 1
    for m, (rate, beta, decay) in enumerate(zip(rates, betas, decays, strict=True)):
        theirs = start[m].clone().requires_grad_()
        optimiser = torch.optim.AdamW([theirs], lr=rate, betas=(beta, 0.999), weight_decay=decay)
        for gradient in gradients[:, m]:
            theirs.grad = gradient.clone()
            optimiser.step()
        torch.testing.assert_close(ours[m], theirs.detach(), rtol=1e-5, atol=1e-6)


def test_first_step_moves_by_the_rate_against_the_sign() -> None:
    # m̂ / √v̂ = g / |g| in the first step, whatever β1.
    parameters = torch.zeros(2, 64)
    adam = adam_of(parameters, [1e-3, 1e-2], [0.5, 0.9], [0.0, 0.0])
    adam.step(torch.full((2, 64), -3.0), torch.from_numpy(adam.scalars(1)[0]))
    assert parameters[0].tolist() == pytest.approx([1e-3] * 64, rel=1e-5)
    assert parameters[1].tolist() == pytest.approx([1e-2] * 64, rel=1e-5)
