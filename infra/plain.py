"""The study as a user of PyTorch and Ray Tune would first write it: one configuration, one model, eager.

The baseline of `make bench`; deliberately ordinary. The same systems, data, networks' shapes, steps and
batch sizes as `trainables`, with torch.nn, torch.optim and torch's global generator.
"""

from __future__ import annotations

from typing import Any

import torch
from ray import tune
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

from trainables import metrics, mixture, training


def mlp(inputs: int, outputs: int, depth: int, width: int, dropout: float = 0.0) -> nn.Sequential:
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


def with_noise(net: nn.Module, h: Tensor) -> Tensor:
    output: Tensor = net(torch.cat([h, torch.randn(len(h), 2)], dim=1))
    return output


def train(config: dict[str, Any]) -> None:
    """Train one run; evaluate and report six times."""
    torch.set_num_threads(1)
    torch.manual_seed(config["seed"])
    size, lam = config["batch_size"], config["lam"]
    data = mixture.load()
    encoder = mlp(4, 2, config["depth"], config["width"])
    decoder = mlp(4, 2, config["depth"], config["width"])
    critic = mlp(4, 1, config["critic_depth"], config["width"], config["critic_dropout"])
    rate, betas = config["learning_rate"], (config["beta1"], 0.999)
    critic_adam = torch.optim.Adam(critic.parameters(), lr=rate, betas=betas)
    coder_adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=rate, betas=betas)

    def scores(x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        z_q, x_p = with_noise(encoder, x), with_noise(decoder, z)
        return z_q, x_p, critic(torch.cat([x, z_q], 1)).squeeze(1), critic(torch.cat([x_p, z], 1)).squeeze(1)

    batches: list[Tensor] = []
    every = -(-config["iterations"] // training.EVALUATIONS)
    for iteration in range(1, config["iterations"] + 1):
        batches = batches or list(data.train[torch.randperm(len(data.train))].split(size))
        x = batches.pop()
        with torch.no_grad():
            z = torch.randn(size, 2)
            z_q, x_p = with_noise(encoder, x), with_noise(decoder, z)
        f_q, f_p = critic(torch.cat([x, z_q], 1)), critic(torch.cat([x_p, z], 1))
        critic_loss = softplus(f_q).mean() + softplus(-f_p).mean()
        critic_adam.zero_grad()
        critic_loss.backward()
        critic_adam.step()
        for _ in range(config["steps"]):
            z = torch.randn(size, 2)
            z_q, x_p, f_q, f_p = scores(x, z)
            if config["algorithm"] == "svae_r":
                loss = f_p.mean() - f_q.mean()
            else:
                loss = softplus(-f_q).mean() + softplus(f_p).mean()
            loss = loss + lam * (
                mse_loss(with_noise(decoder, z_q), x) + mse_loss(with_noise(encoder, x_p), z)
            )
            coder_adam.zero_grad()
            loss.backward()
            coder_adam.step()
        if iteration % every == 0 or iteration == config["iterations"]:
            with torch.no_grad():
                x_again = with_noise(decoder, with_noise(encoder, data.test))
                generated = with_noise(decoder, torch.randn(len(data.test), 2)).double()
                score = metrics.inception_score(mixture.log_posterior(generated))
            tune.report({"mse_x": mse_loss(x_again, data.test).item(), "inception_score": score.item()})
