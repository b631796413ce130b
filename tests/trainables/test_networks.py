"""Networks: shapes, initialisation, dropout."""

import math

import numpy as np
import pytest
import torch

from tests.trainables.factory import SMALL
from trainables import networks
from trainables.networks import MLP, Critic, Linear, StochasticMLP
from trainables.streams import stream


@pytest.mark.parametrize(("inputs", "outputs"), [(4, 32), (32, 32), (32, 2)])
def test_linear_is_the_affine_map_of_torch(inputs: int, outputs: int) -> None:
    layer = Linear(inputs, outputs)
    layer.xavier_(stream("linear"))
    with torch.no_grad():
        layer.bias.copy_(torch.arange(outputs))
    weight = layer.weight if layer.flipped else layer.weight.t()  # torch's layout is [outputs, inputs]
    h = torch.randn(5, inputs, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(h), torch.nn.functional.linear(h, weight, layer.bias))


def test_xavier_draws_have_the_bound_and_variance_of_glorot_and_bengio() -> None:
    # U(±b) with b = √(6 / (64 + 64)): variance b²/3 = 2 / 128.
    layer = Linear(64, 64)
    layer.xavier_(stream("xavier"))
    assert layer.weight.abs().max().item() <= math.sqrt(6 / 128)
    assert layer.weight.var().item() == pytest.approx(2 / 128, rel=0.05)
    assert not layer.bias.any()


def test_build_counts_hidden_layers_by_depth() -> None:
    nets = networks.build(SMALL)
    assert [len(nets[name].layers) for name in ("encoder", "decoder", "critic")] == [3, 3, 3]
    # 4·32 + 32 + 32·32 + 32 + 32·2 + 2 numbers.
    assert sum(p.numel() for p in nets["encoder"].parameters()) == 1282


def test_encoder_depends_on_its_noise() -> None:
    encoder = StochasticMLP(2, 2, 2, 32)
    encoder.xavier_(stream("encoder"))
    x = torch.ones(4, 2)
    noise = torch.from_numpy(stream("noise").standard_normal((4, 2), dtype=np.float32))
    assert encoder(x, noise).shape == (4, 2)
    assert not torch.equal(encoder(x, noise), encoder(x, -noise))


def test_dropout_of_ones_changes_no_bit_and_zeros_leave_the_bias() -> None:
    critic = Critic(4, 1, 2, 32)
    critic.xavier_(stream("critic"))
    x, z = torch.ones(6, 2), torch.zeros(6, 2)
    assert torch.equal(critic(x, z), critic(x, z, torch.ones(2, 6, 32)))
    assert torch.equal(critic(x, z, torch.zeros(2, 6, 32)), torch.zeros(6))


def test_mlp_with_one_hidden_layer_matches_the_formula() -> None:
    net = MLP(3, 2, 1, 8)
    net.xavier_(stream("mlp"))
    first, last = net.layers
    h = torch.ones(1, 3)
    torch.testing.assert_close(net(h), torch.relu(h @ first.weight) @ last.weight.t())
