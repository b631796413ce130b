"""The study as a user of PyTorch would first write it: one configuration, one model, eager.

A baseline of `make bench`; deliberately ordinary. The same systems, data, networks' shapes, steps, batch
sizes and evaluations as `trainables`, with torch.nn, torch.optim and torch's global generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

from trainables.datasets import mixture
from trainables.metrics import modes
from trainables.metrics.inception_score import inception_score

EVALUATE_EVERY = 60
"""Iterations between evaluations: those of the project at the embedded budget."""


def mlp(inputs: int, outputs: int, depth: int, width: int, dropout: float = 0.0) -> nn.Sequential:
    """`depth` hidden ReLU layers of `width` units, with dropout where it is asked for."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(inputs if i == 0 else width, width), nn.ReLU()]
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
    net = nn.Sequential(*layers, nn.Linear(width, outputs))
    for module in net:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return net


class System(nn.Module):
    """Encoder, decoder and critic of one run, and what its two players minimise.

    Args:
        config: the fields of a run and of its configuration, by name.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        depth, width = config["depth"], config["width"]
        self.encoder = mlp(4, 2, depth, width)
        self.decoder = mlp(4, 2, depth, width)
        self.critic = mlp(4, 1, config["critic_depth"], width, config["critic_dropout"])
        self.algorithm: str = config["algorithm"]
        self.lam: float = config["lam"]

    def critic_loss(self, x: Tensor, noise: Tensor) -> Tensor:
        """Scalar loss from x [batch, 2] and noise [batch, 10]: z, ε, ξ, ε', ξ'."""
        z, epsilon, xi, _, _ = noise.split(2, dim=1)
        with torch.no_grad():
            z_q, x_p = joined(self.encoder, x, epsilon), joined(self.decoder, z, xi)
        return softplus(joined(self.critic, x, z_q)).mean() + softplus(-joined(self.critic, x_p, z)).mean()

    def coder_loss(self, x: Tensor, noise: Tensor) -> Tensor:
        """Scalar loss of encoder and decoder; arguments as `critic_loss`."""
        z, epsilon, xi, epsilon_again, xi_again = noise.split(2, dim=1)
        z_q, x_p = joined(self.encoder, x, epsilon), joined(self.decoder, z, xi)
        f_q, f_p = joined(self.critic, x, z_q), joined(self.critic, x_p, z)
        if self.algorithm == "svae_r":
            adversarial = f_p.mean() - f_q.mean()
        else:
            adversarial = softplus(-f_q).mean() + softplus(f_p).mean()
        x_again, z_again = joined(self.decoder, z_q, xi_again), joined(self.encoder, x_p, epsilon_again)
        return adversarial + self.lam * (mse_loss(x_again, x) + mse_loss(z_again, z))

    @torch.no_grad()
    def evaluate(self, x: Tensor) -> dict[str, float]:
        """The project's metrics on the test points x [n, 2]."""
        z, epsilon, xi, epsilon_again = torch.randn(len(x), 8, device=x.device).split(2, dim=1)
        x_again = joined(self.decoder, joined(self.encoder, x, epsilon), xi)
        generated = joined(self.decoder, z, xi)
        z_again = joined(self.encoder, generated, epsilon_again)
        points = generated.double()
        values = {
            "mse_x": mse_loss(x_again.double(), x.double()),
            "mse_z": mse_loss(z_again.double(), z.double()),
            "inception_score": inception_score(mixture.log_posterior(points)),
            "modes_covered": modes.modes_covered(points, mixture.MEANS, mixture.VARIANCE),
            "on_mode_share": modes.on_mode_share(points, mixture.MEANS, mixture.VARIANCE),
        }
        return {name: value.item() for name, value in values.items()}


def joined(net: nn.Module, *inputs: Tensor) -> Tensor:
    """The network on its concatenated inputs."""
    output: Tensor = net(torch.cat(inputs, dim=1))
    return output


def train(config: dict[str, Any], device: str = "cpu") -> Iterator[dict[str, float]]:
    """Train one run. Yields after every iteration: its metrics if it was evaluated, else an empty dictionary."""
    torch.manual_seed(config["seed"])
    size = config["batch_size"]
    data = [points.to(device) for points in mixture.load()]
    system = System(config).to(device)
    coders = [*system.encoder.parameters(), *system.decoder.parameters()]
    rate, betas = config["learning_rate"], (config["beta1"], 0.999)
    critic_adam = torch.optim.Adam(system.critic.parameters(), lr=rate, betas=betas)
    coder_adam = torch.optim.Adam(coders, lr=rate, betas=betas)
    batches: list[Tensor] = []
    for iteration in range(1, config["budget"] + 1):
        batches = batches or list(data[0][torch.randperm(len(data[0]), device=device)].split(size))
        x = batches.pop()
        critic_adam.zero_grad()
        system.critic_loss(x, torch.randn(size, 10, device=device)).backward()
        critic_adam.step()
        system.critic.requires_grad_(False)  # nobody needs the critic's gradients here
        for _ in range(config["steps"]):
            coder_adam.zero_grad()
            system.coder_loss(x, torch.randn(size, 10, device=device)).backward()
            coder_adam.step()
        system.critic.requires_grad_(True)
        due = iteration % EVALUATE_EVERY == 0 or iteration == config["budget"]
        yield system.evaluate(data[1]) if due else {}
