"""The study with layers batched by hand: M runs of one structure as one model of stacked parameters.

A baseline of `make bench`: what one writes after Wang et al. 2021, *Horizontally Fused Training Array*
(HFTA), whose layers and optimisers are a leading dimension of M on the ordinary ones. Eager autograd, nothing
compiled. The same systems, shapes, steps, batch sizes and evaluations as `trainables`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from infra.benchmarks.plain import EVALUATE_EVERY
from trainables.datasets import mixture
from trainables.metrics import modes
from trainables.metrics.inception_score import inception_score


class Linear(nn.Module):
    """M affine maps: [M, batch, inputs] -> [M, batch, outputs]."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = (6 / (inputs + outputs)) ** 0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, h: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, h, self.weight)


class Dropout(nn.Module):
    """Dropout with a probability per member, [M, 1, 1]."""

    def __init__(self, probability: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", 1 - probability)
        self.kept: Tensor

    def forward(self, h: Tensor) -> Tensor:
        return h * torch.rand_like(h).lt_(self.kept).div_(self.kept)


def mlp(
    members: int, inputs: int, outputs: int, depth: int, width: int, dropout: Tensor | None = None
) -> nn.Sequential:
    """M perceptrons of `depth` hidden ReLU layers, with dropout where any member asks for it."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [Linear(members, inputs if i == 0 else width, width), nn.ReLU()]
        if dropout is not None and bool((dropout > 0).any()):
            layers.append(Dropout(dropout))
    return nn.Sequential(*layers, Linear(members, width, outputs))


class Systems(nn.Module):
    """Encoders, decoders and critics of M runs, and what their players minimise.

    Args:
        configs: per run, the fields of it and of its configuration, by name; one structure.
    """

    def __init__(self, configs: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        c, members = configs[0], len(configs)
        self.encoder = mlp(members, 4, 2, c["depth"], c["width"])
        self.decoder = mlp(members, 4, 2, c["depth"], c["width"])
        dropout = column(configs, "critic_dropout")
        self.critic = mlp(members, 4, 1, c["critic_depth"], c["width"], dropout)
        self.register_buffer("lam", column(configs, "lam").flatten())
        self.register_buffer("svae_r", torch.tensor([c["algorithm"] == "svae_r" for c in configs]))
        self.lam: Tensor
        self.svae_r: Tensor

    def critic_loss(self, x: Tensor, noise: Tensor) -> Tensor:
        """Losses [M] from x [M, batch, 2] and noise [M, batch, 10]: z, ε, ξ, ε', ξ'."""
        z, epsilon, xi, _, _ = noise.split(2, dim=2)
        with torch.no_grad():
            z_q, x_p = joined(self.encoder, x, epsilon), joined(self.decoder, z, xi)
        return mean(softplus(joined(self.critic, x, z_q))) + mean(softplus(-joined(self.critic, x_p, z)))

    def coder_loss(self, x: Tensor, noise: Tensor) -> Tensor:
        """Losses [M] of encoders and decoders; arguments as `critic_loss`."""
        z, epsilon, xi, epsilon_again, xi_again = noise.split(2, dim=2)
        z_q, x_p = joined(self.encoder, x, epsilon), joined(self.decoder, z, xi)
        f_q, f_p = joined(self.critic, x, z_q), joined(self.critic, x_p, z)
        adversarial = torch.where(
            self.svae_r, mean(f_p) - mean(f_q), mean(softplus(-f_q)) + mean(softplus(f_p))
        )
        x_again, z_again = joined(self.decoder, z_q, xi_again), joined(self.encoder, x_p, epsilon_again)
        return adversarial + self.lam * (mean((x_again - x).square()) + mean((z_again - z).square()))

    @torch.no_grad()
    def evaluate(self, x: Tensor) -> dict[str, Tensor]:
        """The project's metrics, [M] each, on the test points x [M, n, 2]."""
        z, epsilon, xi, epsilon_again = torch.randn(*x.shape[:2], 8, device=x.device).split(2, dim=2)
        x_again = joined(self.decoder, joined(self.encoder, x, epsilon), xi)
        generated = joined(self.decoder, z, xi)
        z_again = joined(self.encoder, generated, epsilon_again)
        points = generated.double()
        values = {
            "mse_x": mean((x_again.double() - x.double()).square()),
            "mse_z": mean((z_again.double() - z.double()).square()),
            "inception_score": torch.vmap(inception_score)(mixture.log_posterior(points)),
            "modes_covered": torch.vmap(
                partial(modes.modes_covered, means=mixture.MEANS, variance=mixture.VARIANCE)
            )(points),
            "on_mode_share": torch.vmap(
                partial(modes.on_mode_share, means=mixture.MEANS, variance=mixture.VARIANCE)
            )(points),
        }
        return {name: value.cpu() for name, value in values.items()}


class Adam:
    """Adam (Kingma & Ba 2015, β2 = 0.999) over stacked parameters, with a rate and a β1 per member, [M, 1, 1]."""

    def __init__(self, parameters: Sequence[nn.Parameter], rate: Tensor, beta1: Tensor) -> None:
        self.parameters = list(parameters)
        self.rate, self.beta1 = rate, beta1
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.taken = 0

    @torch.no_grad()
    def step(self) -> None:
        self.taken += 1
        rate = self.rate / (1 - self.beta1**self.taken)
        correction = (1 - 0.999**self.taken) ** 0.5
        for parameter, (first, second) in zip(self.parameters, self.moments, strict=True):
            gradient = parameter.grad
            assert gradient is not None
            first.lerp_(gradient, 1 - self.beta1)
            second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            parameter.sub_(rate * first / (second.sqrt() / correction).add_(1e-8))

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None


def joined(net: nn.Module, *inputs: Tensor) -> Tensor:
    """The networks on their concatenated inputs."""
    output: Tensor = net(torch.cat(inputs, dim=2))
    return output


def mean(values: Tensor) -> Tensor:
    """[M, batch, d] -> [M]."""
    return values.mean(dim=(1, 2))


def column(configs: Sequence[dict[str, Any]], name: str) -> Tensor:
    """A hyper-parameter per member, [M, 1, 1]."""
    return torch.tensor([float(config[name]) for config in configs]).view(-1, 1, 1)


def train(configs: Sequence[dict[str, Any]], device: str = "cpu") -> Iterator[dict[str, Tensor]]:
    """Train runs of one structure. Yields after every iteration: their metrics if evaluated, else nothing."""
    torch.manual_seed(configs[0]["seed"])
    members, size = len(configs), configs[0]["batch_size"]
    points, test = (values.to(device) for values in mixture.load())
    systems = Systems(configs).to(device)
    coders = [*systems.encoder.parameters(), *systems.decoder.parameters()]
    rate, beta1 = (column(configs, name).to(device) for name in ("learning_rate", "beta1"))
    critic_adam = Adam(list(systems.critic.parameters()), rate, beta1)
    coder_adam = Adam(coders, rate, beta1)
    batches: list[Tensor] = []
    for iteration in range(1, configs[0]["budget"] + 1):
        if not batches:
            order = torch.rand(members, len(points), device=device).argsort(dim=1)
            batches = list(points[order].split(size, dim=1))
        x = batches.pop()
        critic_adam.zero_grad()
        systems.critic_loss(x, torch.randn(members, size, 10, device=device)).sum().backward()
        critic_adam.step()
        systems.critic.requires_grad_(False)
        for _ in range(configs[0]["steps"]):
            coder_adam.zero_grad()
            systems.coder_loss(x, torch.randn(members, size, 10, device=device)).sum().backward()
            coder_adam.step()
        systems.critic.requires_grad_(True)
        due = iteration % EVALUATE_EVERY == 0 or iteration == configs[0]["budget"]
        yield systems.evaluate(test.expand(members, *test.shape)) if due else {}
