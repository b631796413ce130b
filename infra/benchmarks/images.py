"""One core's convolutional training steps: a cohort here against ordinary eager PyTorch, one model at a time, in turns.

Both train sVAE-r (a critic step and an encoder/decoder step an iteration) on 28×28 images with the networks of AS-VAE's figure 5,
of 32 and 64 channels. Prints a table, and writes it into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import command_output
from infra.benchmarks import measurements
from infra.benchmarks.page import write
from trainables import objectives
from trainables.datasets.base import DataSet
from trainables.engine.assemble import ports_of
from trainables.engine.machine import host
from trainables.engine.training import Training
from trainables.runs import Configuration, Run

MARKS = ("<!-- images: start -->", "<!-- images: end -->")
BATCHES = (32, 64)
MEMBERS, ITERATIONS, ROUNDS = 3, 20, 5
LAMBDA = 0.1


@final
class Noise(DataSet):
    """Images of noise in the sizes of MNIST: what is measured does not depend on what they show."""

    name = "noise"
    version = "noise-v1"
    shape = (28, 28)
    x_dim = 28 * 28
    z_dim = 64
    noise_dim = 64
    bounded = True

    @functools.cached_property
    def train(self) -> Tensor:
        return torch.rand(2048, self.x_dim, generator=torch.Generator().manual_seed(0))

    @property
    def test(self) -> Tensor:
        return self.train[:256]


def runs(batch: int, members: int, iterations: int) -> list[Run]:
    """Members of a cohort, which differ in their seeds."""
    networks = dict.fromkeys(("encoder", "decoder", "critic"), "as_vae")
    one = Configuration(**networks, channels=32, batch_size=batch, steps=1, learning_rate=3e-4, beta1=0.5)
    data = f"{Noise.__module__}:{Noise.__name__}"
    return [Run("images", "svae_r", LAMBDA, seed, one, iterations, data=data) for seed in range(members)]


def here(batch: int, members: int) -> Iterator[int]:
    """A cohort in blocks; yields its iterations, of all members together, in each."""
    training = Training(runs(batch, members, 10**6))
    while True:
        before = training.iteration
        training.advance()
        yield (training.iteration - before) * members


def eager(batch: int) -> Iterator[int]:
    """One model as a user of PyTorch would write it; yields after as many iterations as a block has."""
    (run,) = runs(batch, 1, 1)
    data, form = run.dataset, objectives.find(run.algorithm).form
    ports = {name: ports_of(form, name, data) for name in form.networks}
    networks = {name: run.configuration.part(p.role).build(p) for name, p in ports.items()}
    encoder, decoder, critic = (networks[name] for name in ("encoder", "decoder", "critic"))
    of_critic = torch.optim.Adam(critic.parameters(), lr=3e-4, betas=(0.5, 0.999))
    of_coders = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-4, betas=(0.5, 0.999))

    def noise() -> Tensor:
        return torch.randn(batch, data.z_dim)

    def decoded(z: Tensor) -> Tensor:
        return torch.sigmoid(4 * _of(decoder, z, noise()) - 2)

    while True:
        for _ in range(ITERATIONS):
            x, z = data.train[torch.randint(len(data.train), (batch,))], noise()
            with torch.no_grad():
                z_q, x_p = _of(encoder, x, noise()), decoded(z)
            loss = softplus(_of(critic, x, z_q)).mean() + softplus(-_of(critic, x_p, z)).mean()
            of_critic.zero_grad()
            loss.backward()
            of_critic.step()
            critic.requires_grad_(False)
            x, z = data.train[torch.randint(len(data.train), (batch,))], noise()
            z_q, x_p = _of(encoder, x, noise()), decoded(z)
            reconstruction = (x - decoded(z_q)).square().sum(1).mean() / 2
            reconstruction = reconstruction + (z - _of(encoder, x_p, noise())).square().sum(1).mean() / 2
            loss = _of(critic, x_p, z).mean() - _of(critic, x, z_q).mean() + LAMBDA * reconstruction
            of_coders.zero_grad()
            loss.backward()
            of_coders.step()
            critic.requires_grad_(True)
        yield ITERATIONS


def _of(net: nn.Module, *inputs: Tensor) -> Tensor:
    output: Tensor = net(*inputs)
    return output


def in_turns(batch: int, rounds: int) -> list[tuple[float, float]]:
    """Processor seconds of one iteration of one model, here and eager, of each round."""
    contenders = (here(batch, MEMBERS), eager(batch))
    for contender in contenders:
        next(contender)  # traces, and libraries that set themselves up
    return [(_seconds(contenders[0]), _seconds(contenders[1])) for _ in range(rounds)]


def _seconds(contender: Iterator[int]) -> float:
    started = time.process_time()
    iterations = next(contender)
    return (time.process_time() - started) / iterations


def peak(make: Callable[[], Iterator[int]]) -> int:
    """Bytes by which a block of training raises this process's peak memory; 0 where the system does not tell."""
    Noise().train  # noqa: B018
    with host.Peak() as found:
        next(make())
    return found.bytes


def peaks(batch: int) -> dict[str, int]:
    """Peak memory of each contender, each in a process of its own."""
    found = {}
    for name, call in (
        ("here", f"lambda: here({batch}, {MEMBERS})"),
        ("one", f"lambda: here({batch}, 1)"),
        ("eager", f"lambda: eager({batch})"),
    ):
        code = f"import torch; torch.set_num_threads(1)\nfrom {__name__ if __name__ != '__main__' else 'infra.benchmarks.images'} import *\nprint(peak({call}))"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        found[name] = int(done.stdout)
    return found


def table(rounds: int) -> str:
    """Measures, and says it in Markdown."""
    lines = [
        "| batch | here, ms | eager PyTorch, ms | ratio, median [least, most] | "
        f"peak memory here: a cohort of {MEMBERS}, by member, MB | of one, MB | eager, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for batch in BATCHES:
        measured, memory = in_turns(batch, rounds), peaks(batch)
        ratios = sorted(slow / fast for fast, slow in measured)
        fast, slow = (1000 * median(values) for values in zip(*measured, strict=True))
        lines.append(
            f"| {batch} | {fast:.1f} | {slow:.1f} | {median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] | "
            f"{memory['here'] / MEMBERS / 1e6:.0f} | {memory['one'] / 1e6:.0f} | {memory['eager'] / 1e6:.0f} |"
        )
    machine = measurements.machine("cpu")
    lines += [
        "",
        f"* Machine: {machine['processor']}, one thread; torch {machine['torch']}; commit {machine['commit']}.",
        "* Processor milliseconds of one iteration of one model of sVAE-r: a critic step and an encoder/decoder step, 28×28 images, the networks "
        f"of AS-VAE's figure 5 with 32 and 64 channels. {rounds} rounds in which both take turns.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.images", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"repetitions (default: {ROUNDS})")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("docs/benchmarks.md"),
        help="where the table goes (default: docs/benchmarks.md)",
    )
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds must be >= 1, got {options.rounds}")
    torch.set_num_threads(1)
    text = table(options.rounds)
    print(text)
    write(options.output, text, MARKS)


if __name__ == "__main__":
    command_output.lasting()
    main()
