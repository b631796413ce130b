"""Training of the classifier by which a data set's images are recognised: the same bits each time on one machine."""

from __future__ import annotations

import time
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainables.recognition import network

BATCH = 128
RATE = 6e-3
"""Highest learning rate of AdamW, whose rate follows one cycle (Smith & Topin 2018)."""

DECAY = 0.05

WARM = 0.2
"""Share of the steps in which the rate rises."""

PASSES, FEWEST, SHOWN = 20, 4, 360_000
"""A small set is passed through twenty times; a larger one until so many images were shown, but at least four times."""

SOME = 10_000
"""First images whose pixels are averaged."""

SEED = 0


class Labelled(NamedTuple):
    """Images [n, c, h, w], uint8, and their labels [n], int64."""

    images: Tensor
    labels: Tensor


class Split(NamedTuple):
    """All labelled images to train on, and all to test on."""

    train: Labelled
    test: Labelled


class Trained(NamedTuple):
    """Arrays of the network, an image's shape, the share of test images that it labels rightly, and the seconds of a core that training took."""

    arrays: dict[str, Tensor]
    shape: network.Shape
    accuracy: float
    seconds: float


def train(data: Labelled, test: Labelled, classes: int) -> Trained:
    """Trains it from its beginning on one thread, whichever mode torch is in."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in the same order however many cores there are
    started = time.thread_time()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            arrays = _fitted(data, classes)
        with torch.no_grad():
            accuracy = _accuracy(arrays, test)
    finally:
        torch.set_num_threads(threads)
    channels, height, width = data.images.shape[1:]
    return Trained(arrays, (channels, height, width), accuracy, time.thread_time() - started)


def passes(points: int) -> int:
    """Times that each of so many training images is shown."""
    return max(FEWEST, min(PASSES, SHOWN // points))


def _fitted(data: Labelled, classes: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    count, batch = len(data.images), min(BATCH, len(data.images))
    channels, height, width = data.images.shape[1:]
    trained = {
        name: array.requires_grad_()
        for name, array in network.initial((channels, height, width), classes, generator).items()
    }
    pixels = _scaled(data.images[:SOME])
    arrays = {**trained, "centre": pixels.mean(), "spread": pixels.std().clamp_min(1e-3)}
    steps = passes(count) * (count // batch)
    optimiser = torch.optim.AdamW(trained.values(), lr=RATE, weight_decay=DECAY, fused=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=max(steps, 2), pct_start=WARM)
    for _ in range(passes(count)):
        for chosen in torch.randperm(count, generator=generator)[: count // batch * batch].split(batch):
            logits = network.forward(arrays, _scaled(data.images[chosen])).logits
            optimiser.zero_grad()
            functional.cross_entropy(logits, data.labels[chosen]).backward()
            optimiser.step()
            rate.step()
    return {name: array.detach() for name, array in arrays.items()}


def _accuracy(arrays: dict[str, Tensor], test: Labelled) -> float:
    chunks = zip(test.images.split(500), test.labels.split(500), strict=True)
    right = sum(
        int((network.forward(arrays, _scaled(images)).logits.argmax(1) == labels).sum())
        for images, labels in chunks
    )
    return right / len(test.images)


def _scaled(images: Tensor) -> Tensor:
    return images.float() / 255
