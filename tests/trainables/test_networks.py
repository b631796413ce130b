"""Networks: shapes, initialisation, dropout."""

import math

import numpy as np
import pytest
import torch

from tests.trainables.factory import SMALL
from trainables import datasets
from trainables.engine import assemble
from trainables.engine.native import kernels
from trainables.networks.mlp import MLP, Critic, Joined
from trainables.objectives.base import JointObjective
from trainables.randomness.streams import stream


@pytest.mark.parametrize(("inputs", "outputs", "depth"), [(4, 2, 1), (4, 1, 3), (3, 48, 2)])
def test_mlp_is_the_sequence_of_torchs_layers(inputs: int, outputs: int, depth: int) -> None:
    net = MLP(inputs, outputs, depth, 32)
    net.xavier_(stream("mlp"))
    h = torch.randn(5, inputs, generator=torch.Generator().manual_seed(0))
    expected = h
    for i, (weight, bias) in enumerate(net.layers()):
        bias.data.copy_(torch.linspace(-1, 1, len(bias)))
        expected = torch.nn.functional.linear(
            expected, weight.t(), bias
        )  # torch's layout is [outputs, inputs]
        expected = expected.relu() if i < depth else expected
    torch.testing.assert_close(net(h), expected)


def test_xavier_draws_have_the_bound_and_variance_of_glorot_and_bengio() -> None:
    # U(±b) with b = √(6 / (64 + 64)): variance b²/3 = 2 / 128.
    net = MLP(64, 2, 2, 64)
    net.xavier_(stream("xavier"))
    weight, bias = net.layers()[1]
    assert weight.abs().max().item() <= math.sqrt(6 / 128)
    assert weight.var().item() == pytest.approx(2 / 128, rel=0.05)
    assert not bias.any()


def test_build_counts_hidden_layers_by_depth() -> None:
    nets = {
        name: built.net
        for name, built in assemble.build(SMALL, JointObjective.form, datasets.find("mixture5")).items()
    }
    assert [len(nets[name].layers()) for name in ("encoder", "decoder", "critic")] == [3, 3, 3]
    # 4·32 + 32 + 32·32 + 32 + 32·2 + 2 numbers, padded to a multiple of 64.
    assert nets["encoder"].count == 1282
    assert len(nets["encoder"].flat) == 1344


def test_encoder_depends_on_its_noise() -> None:
    encoder = Joined(4, 2, 2, 32)
    encoder.xavier_(stream("encoder"))
    x = torch.ones(4, 2)
    noise = torch.from_numpy(stream("noise").standard_normal((4, 2), dtype=np.float32))
    assert encoder(x, noise).shape == (4, 2)
    assert not torch.equal(encoder(x, noise), encoder(x, -noise))


@pytest.mark.parametrize("native", [False, True])
def test_dropout_of_rate_zero_changes_no_bit_and_of_rate_one_leaves_the_bias(native: bool) -> None:
    critic = Critic(4, 1, 2, 32)
    critic.kernel = kernels.mlp if native and kernels.usable(critic.shape) else None
    critic.xavier_(stream("critic"))
    x, z = torch.ones(6, 2), torch.zeros(6, 2)
    with torch.no_grad():
        assert torch.equal(critic(x, z), critic(x, z, torch.tensor([1, 2, 3, 0, 0])))
        assert torch.equal(critic(x, z, torch.tensor([1, 2, 3, 0, 65535])), torch.zeros(6))
