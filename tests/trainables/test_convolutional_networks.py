"""Convolutional networks: what they read and give, their sizes by hand, and conformance."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
from torch import nn

from trainables.networks.as_vae import AsVae
from trainables.networks.base import Network, Ports
from trainables.networks.dcgan import Dcgan, sizes
from trainables.networks.layers import NORMALISATIONS, Layers
from trainables.networks.noise_basis import NoiseBasis
from trainables.networks.resnet import Block, ResNet
from trainables.networks.spectral import Spectral
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
        Ports("encoder", {"z": (z,), "epsilon": (5,)}, (z,), z),
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


NETWORKS = {"as_vae": AsVae, "dcgan": Dcgan, "resnet": ResNet}
FEW = {"channels": 2, "mlp_width": 8}


@pytest.mark.parametrize(
    ("shape", "normalisation"),
    [
        *(((8, 8), normalisation) for normalisation in NORMALISATIONS),
        *((shape, "batch") for shape in ((7, 7), (5, 9), (28, 28), (3, 32, 32))),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_fit_all_kinds_of_systems(name: str, shape: tuple[int, ...], normalisation: str) -> None:
    torch.manual_seed(0)
    network = made(NETWORKS[name], **FEW, normalisation=normalisation, critic_normalisation=normalisation)
    for ports in roles(shape):
        inputs = [torch.rand(32, math.prod(one), dtype=torch.float64) for one in ports.inputs.values()]
        module = network.build(ports).double()
        assert module(*inputs).shape == (32, ports.outputs)
        seen = module.eval()(*inputs)
        for i in range(len(inputs)):  # everything is read
            other = [torch.randn_like(value) if i == j else value for j, value in enumerate(inputs)]
            assert not torch.equal(module(*other), seen)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_of_a_gradient_penalty_is_its_slope(name: str, normalisation: str) -> None:
    torch.manual_seed(0)
    network = made(NETWORKS[name], **FEW, critic_normalisation=normalisation, activation="tanh")
    critic = network.build(Ports("critic", {"x": (8, 8), "z": (3,)}, (1,), 1)).double()
    critic.train(normalisation != "spectral")  # whose state is to stay as it is
    x, z, way = (torch.randn(32, n, dtype=torch.float64) for n in (64, 3, 64))

    def penalty(at: torch.Tensor) -> torch.Tensor:
        (slope,) = torch.autograd.grad(critic(at, z).sum(), at, create_graph=True)
        return slope.square().sum()

    at, step = x.requires_grad_(), 1e-5
    expected = (penalty(at + step * way) - penalty(at - step * way)) / (2 * step)
    (twice,) = torch.autograd.grad(penalty(at), at)
    torch.testing.assert_close((twice * way).sum(), expected, rtol=1e-5, atol=1e-12)


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


def test_dcgan_has_the_numbers_of_its_layers() -> None:
    network = made(Dcgan, channels=128)
    critic = network.build(Ports("critic", {"x": (3, 64, 64)}, (1,), 1))
    # The first convolution has a bias in place of batch norm's scale and shift.
    first = 16 * 3 * 128 + 128
    further = sum(16 * c * 2 * c + 2 * 2 * c for c in (128, 256, 512))
    assert parameters(critic) == first + further + 4 * 4 * 1024 + 1
    decoder = network.build(Ports("decoder", {"z": (100,)}, (3, 64, 64), 3 * 64 * 64))
    small = 100 * 16 * 1024 + 16 * 1024 + 2 * 1024
    further = sum(16 * 2 * c * c + 2 * c for c in (512, 256, 128))
    assert parameters(decoder) == small + further + 16 * 128 * 3 + 3
    weights = torch.cat([value.detach().flatten() for value in decoder.parameters() if value.dim() > 1])
    assert float(weights.std()) == pytest.approx(0.02, rel=0.01)
    for size, scales, last in ((64, 4, 4), (32, 3, 4), (28, 3, 3), (8, 1, 4), (7, 1, 3)):
        found = sizes((1, size, size))
        assert (len(found) - 1, found[-1]) == (scales, (last, last))


def test_resnet_has_blocks_and_a_projection_at_each_scale() -> None:
    encoder = made(ResNet).build(Ports("encoder", {"x": (3, 64, 64), "epsilon": (64,)}, (64,), 64))
    assert sum(isinstance(module, Block) for module in encoder.modules()) == 3 * 4
    projections = [p.shape for name, p in encoder.named_parameters() if "projection" in name]
    assert projections == [(32, 64), (64, 64), (128, 64), (256, 64)]
    critic = made(ResNet).build(Ports("critic", {"x": (3, 64, 64), "z": (64,)}, (1,), 1))
    assert not any(isinstance(module, Block) for module in critic.modules())
    block = Block(
        1, Layers("none", "relu")
    ).eval()  # relu(h + W2 relu(W1 h)), the middle weight alone of each
    for layer, weight in zip((block.residual[0], block.residual[-1]), (2.0, -1.5), strict=True):
        layer.weight.data.zero_()[0, 0, 1, 1] = weight
    h = torch.tensor([[[[-1.0, 0.5], [1.0, 0.0]]]])
    # -1: relu(-1 - 1.5 relu(-2)) = 0;  0.5: relu(0.5 - 1.5 · 1) = 0;  1: relu(1 - 3) = 0
    assert not block(h).any()
    block.residual[-1].weight.data.neg_()
    # 0.5: 0.5 + 1.5 · 1 = 2;  1: 1 + 1.5 · 2 = 4
    assert block(h).tolist() == [[[[0.0, 2.0], [4.0, 0.0]]]]


def test_a_noise_basis_is_linear_in_its_coefficients_and_each_part_of_noise_moves_its_own_vector() -> None:
    torch.manual_seed(0)
    ports = Ports("encoder", {"x": (8, 8), "epsilon": (6,), "y": (3,)}, (4,), 4)
    encoder = made(NoiseBasis, **FEW, basis=3, basis_width=5).build(ports).eval()
    x, noise, y = torch.rand(32, 64), torch.randn(32, 6), torch.eye(3)[torch.arange(32) % 3]
    a, v, z = encoder.a(x, y), encoder.v(noise), encoder(x, noise, y)
    assert a.shape == v.shape == (32, 3, 4)
    torch.testing.assert_close(z, (a * v).sum(1))
    encoder.linear.weight.data.mul_(2), encoder.linear.bias.data.mul_(2)
    torch.testing.assert_close(encoder(x, noise, y), 2 * z)
    other = noise.clone()
    other[:, 2:4] += 1  # the second of three parts
    assert ((encoder.v(other) - v).abs().amax((0, 2)) > 0).tolist() == [False, True, False]
    assert parameters(encoder.basis) == 3 * ((2 * 5 + 5) + 2 * (5 * 5 + 5) + (5 * 4 + 4))


def test_a_noise_basis_knows_its_moments_as_the_paper_writes_them() -> None:
    torch.manual_seed(0)
    ports = Ports("encoder", {"x": (8, 8), "epsilon": (6,), "y": (3,)}, (4,), 4)
    encoder = made(NoiseBasis, **FEW, basis=3, basis_width=5).build(ports).eval().double()
    x, y = torch.rand(7, 64, dtype=torch.float64), torch.eye(3, dtype=torch.float64)[torch.arange(7) % 3]
    noise = torch.randn(4000, 6, dtype=torch.float64)
    mean, variance = encoder.moments(noise, x, y)
    # Of independent ε_i: every part of the noise beside every other part of it, of which these 4,000 are a sample
    for i in range(7):
        codes = encoder(x[i].expand(4000, -1), noise, y[i].expand(4000, -1))
        torch.testing.assert_close(mean[i], codes.mean(0))
        torch.testing.assert_close(variance[i], codes.var(0), rtol=0.15, atol=1e-6)
    # f linear: v_i = ε_i W_i + b_i, so that E v_i = b_i and Var v_ik = Σ W_ik² for noise of covariance I
    encoder.basis.act = nn.Identity()
    white = math.sqrt(64) * torch.linalg.qr(torch.randn(64, 6, dtype=torch.float64))[0]
    mean, variance = encoder.moments(torch.cat([white, -white]), x, y)
    zero, unit = torch.zeros(1, 6, dtype=torch.float64), torch.eye(6, dtype=torch.float64)
    b = encoder.v(zero)[0]
    slopes = (encoder.v(unit) - b).square().sum(0)  # another part's noise moves no v_i
    torch.testing.assert_close(mean, (encoder.a(x, y) * b).sum(1))
    torch.testing.assert_close(variance, (encoder.a(x, y).square() * slopes).sum(1))


def test_spectral_normalisation_is_pytorchs() -> None:
    torch.manual_seed(0)
    for layer, shape in (
        (nn.Linear(6, 4), (32, 6)),
        (nn.Conv2d(3, 5, 3, 2, 1), (32, 3, 8, 8)),
        (nn.ConvTranspose2d(3, 5, 4, 2, 1), (32, 3, 4, 4)),
    ):
        ours = Spectral(copy.deepcopy(layer))
        theirs = nn.utils.parametrizations.spectral_norm(layer)
        theirs.parametrizations.weight[0]._u.copy_(ours.u)
        theirs.parametrizations.weight[0]._v.copy_(ours.v)
        for _ in range(3):
            h = torch.randn(shape)
            torch.testing.assert_close(ours(h), theirs(h))
        u = ours.u.clone()
        torch.testing.assert_close(ours.eval()(h), theirs.eval()(h))
        assert torch.equal(ours.u, u)
        largest = torch.linalg.matrix_norm(ours.matrix(), 2)
        assert float(torch.dot(ours.u, ours.matrix() @ ours.v).detach()) == pytest.approx(
            float(largest.detach()), rel=0.05
        )


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


def test_a_noise_basis_refuses_what_it_is_not() -> None:
    network = made(NoiseBasis)
    for ports, words in (
        (Ports("decoder", {"z": (2,)}, (8, 8), 64), "noise_basis must be an encoder, got a decoder"),
        (Ports("encoder", {"x": (8, 8)}, (2,), 4), "which reads epsilon, got x; take an algorithm with one"),
        (Ports("encoder", {"x": (8, 8), "epsilon": (6,)}, (2,), 2), "the 6 dimensions of the noise epsilon, got 8; take 6"),
    ):  # fmt: skip
        with pytest.raises(ValueError) as error:  # noqa: PT011
            network.build(ports)
        assert words in str(error.value)


TINY = {"data": "digits_grey", **FEW}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "values"),
    [
        (AsVae, {}),
        (AsVae, {"algorithm": "cgan", "critic_normalisation": "layer", "convolutions": 2}),
        (AsVae, {"algorithm": "wgan_gp", "normalisation": "layer", "critic_normalisation": "spectral"}),
        (Dcgan, {"algorithm": "infogan"}),
        (Dcgan, {"algorithm": "wgan_gp", "critic_normalisation": "none"}),
        (ResNet, {"blocks": 1, "critic_blocks": 1}),
        (NoiseBasis, {"basis_width": 4, "decoder": "mlp", "critic": "mlp"}),
        (NoiseBasis, {"basis_width": 4, "decoder": "mlp", "critic": "mlp", "algorithm": "avb_ac"}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_conformance(network: type[Network], values: dict[str, object]) -> None:
    network_contract(network, **{**TINY, **values})()
