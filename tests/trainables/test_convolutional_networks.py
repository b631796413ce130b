"""Convolutional networks: what they read and give, their sizes by hand, and conformance."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from trainables.networks.as_vae import AsVae
from trainables.networks.base import Network, Ports
from trainables.networks.layers import NORMALISATIONS
from trainables.parameters import declared
from trainables.testing import network_contract


def made(network: type[Network], **values: object) -> Network:
    """The network with these values, and defaults of the others."""
    return network(**{**{name: one.default for name, one in declared(network).items()}, **values})


def parameters(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


def roles(shape: tuple[int, ...], z: int = 6, classes: int = 3) -> list[Ports]:
    """Ports of all kinds of systems for images of a shape."""
    x, x_dim, label = {"x": shape}, math.prod(shape), {"y": (classes,)}
    return [
        Ports("encoder", x, (z,), 2 * z),
        Ports("encoder", {**x, "epsilon": (5,)}, (z,), z),
        Ports("encoder", {**x, **label}, (z,), 2 * z),
        Ports("encoder", x, (classes,), classes),
        Ports("decoder", {"z": (z,)}, shape, 2 * x_dim),
        Ports("decoder", {"z": (z,), "xi": (5,)}, shape, x_dim),
        Ports("decoder", {"z": (z,), "xi": (5,), **label}, shape, x_dim),
        Ports("decoder", {"z": (z,)}, shape, 4 * x_dim + 1),
        Ports("critic", {**x, "z": (z,)}, (1,), 1),
        Ports("critic", x, (1,), 1),
        Ports("critic", {"z": (z,)}, (1,), 1),
        Ports("critic", {**x, **label}, (1,), 1),
        Ports("critic", {**x, "x_again": shape}, (1,), 1),
    ]


@pytest.mark.parametrize("shape", [(8, 8), (7, 7), (5, 9), (28, 28), (3, 32, 32)], ids=str)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_networks_fit_all_kinds_of_systems(shape: tuple[int, ...], normalisation: str) -> None:
    network = made(
        AsVae, channels=2, mlp_width=8, normalisation=normalisation, critic_normalisation=normalisation
    )
    for ports in roles(shape):
        inputs = [torch.rand(32, math.prod(one)) for one in ports.inputs.values()]
        module = network.build(ports)
        assert module(*inputs).shape == (32, ports.outputs)
        seen = module.eval()(*inputs)
        for i in range(len(inputs)):  # everything is read
            other = [torch.rand_like(value) if i == j else value for j, value in enumerate(inputs)]
            assert not torch.equal(module(*other), seen)


def test_figure_5_has_the_numbers_of_its_layers() -> None:
    network = made(AsVae)
    encoder, decoder, critic = (
        network.build(ports)
        for ports in (
            Ports("encoder", {"x": (28, 28)}, (64,), 128),
            Ports("decoder", {"z": (64,)}, (28, 28), 784),
            Ports("critic", {"x": (28, 28), "z": (64,)}, (1,), 1),
        )
    )
    convolutions = 9 * 1 * 32 + 2 * 32 + 9 * 32 * 64 + 2 * 64  # 3 × 3, and scale and shift of batch norm
    assert parameters(encoder) == convolutions + (3136 * 256 + 256) + (256 * 128 + 128) == 854880
    spread = (64 * 256 + 256) + (256 * 3136 + 3136) + 2 * 64
    assert parameters(decoder) == spread + 9 * 64 * 64 + 2 * 64 + 9 * 64 * 32 + 2 * 32 + 9 * 32 + 1
    codes = (64 * 256 + 256) + (256 * 256 + 256)
    assert parameters(critic) == convolutions + codes + ((64 + 256) * 256 + 256) + 256 + 1 == 183777


@pytest.mark.parametrize(
    ("values", "size", "widths", "last"),
    [
        ({"channels": 16, "scales": 3}, 32, [16, 16, 16, 32, 32, 32, 64, 64, 64, 64], 4),
        ({"channels": 32, "scales": 4}, 64, [32, 32, 32, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256], 4),
    ],
    ids=["figure 6", "figures 7 and 8"],
)
def test_the_deeper_figures_have_their_layers(
    values: dict[str, int], size: int, widths: list[int], last: int
) -> None:
    network = made(AsVae, **values, convolutions=3, kernel=5, critic_kernel=5)
    image = (3, size, size)
    encoder = network.build(Ports("encoder", {"x": image}, (100,), 200))
    found = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in found] == widths
    assert [m.kernel_size[0] for m in found] == [5] + [3] * (len(widths) - 1)
    assert next(m for m in encoder.modules() if isinstance(m, nn.Linear)).in_features == widths[-1] * last**2
    critic = network.build(Ports("critic", {"x": image, "z": (100,)}, (1,), 1))
    found = [m for m in critic.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size[0], m.stride[0]) for m in found] == [
        (values["channels"] * 2**i, 5, 2) for i in range(values["scales"])
    ]
    decoder = network.build(Ports("decoder", {"z": (100,)}, image, 6 * size**2))
    grown = [m.out_channels for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert grown == [values["channels"] * 2**i for i in reversed(range(values["scales"]))]
    kept = [m.out_channels for m in decoder.modules() if isinstance(m, nn.Conv2d)]
    between = list(itertools.chain(*([width] * 2 for width in grown[:-1])))
    assert kept == between + 2 * ([64] * (values["scales"] - 1) + [3])


def test_networks_refuse_what_is_no_image_or_too_small_an_image() -> None:
    network = made(AsVae)
    for ports, words in (
        (Ports("encoder", {"x": (2,)}, (2,), 4), "got (2,); take the network mlp"),
        (Ports("critic", {"x": (2,), "z": (2,)}, (1,), 1), "got (2,); take the network mlp"),
        (Ports("decoder", {"z": (2,)}, (4,), 4), "got (4,); take the network mlp"),
        (Ports("encoder", {"x": (2, 2)}, (2,), 4), "got 2 x 2; take fewer scales"),
    ):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            network.build(ports)
        assert words in str(error.value)
    with pytest.raises(ValueError, match=r"kernel must be odd.*got 4; take 5"):
        made(AsVae, kernel=4).build(Ports("encoder", {"x": (8, 8)}, (2,), 4))


TINY = {"data": "digits_grey", "channels": 2, "mlp_width": 8}

test_as_vae = pytest.mark.slow(network_contract(AsVae, **TINY))
test_as_vae_differentiated_twice = pytest.mark.slow(
    network_contract(
        AsVae, **TINY, algorithm="wgan_gp", normalisation="layer", critic_normalisation="spectral"
    )
)
test_as_vae_given_labels = pytest.mark.slow(
    network_contract(AsVae, **TINY, algorithm="cgan", critic_normalisation="layer")
)
