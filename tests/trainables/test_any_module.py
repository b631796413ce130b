"""Any module as a network: parameters and buffers are a member's, initial ones its constructor's, running statistics PyTorch's."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "somebodys"))  # as an installed package is

from my_lab.convolutional import Convolutional

from tests.trainables.factory import run
from trainables import configurations, datasets
from trainables.engine import assemble, cost
from trainables.engine.assemble import AnyModule
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.traced import choice
from trainables.models.batch import Batch
from trainables.networks.base import Ports
from trainables.networks.mlp import Perceptron
from trainables.runs import Run

PATH = "my_lab.convolutional:Convolutional"
CPU = torch.device("cpu")
PORTS = Ports("encoder", {"x": (8, 8)}, (8,), 16)


def convolutional(algorithm: str, seed: int = 0, network: str = PATH, **values: object) -> Run:
    usual = run(algorithm, seed=seed)
    named = dict.fromkeys(("encoder", "decoder", "critic"), network)
    values = {**usual.configuration.values, **named, "channels": 4, **values}
    return replace(usual, configuration=configurations.fitted(values), data="digits_grey")


def test_initial_parameters_are_the_constructors_from_the_runs_own_seed() -> None:
    net = AnyModule(Convolutional(channels=4), PORTS)
    state = torch.get_rng_state()
    (first, buffers), (again, _), (other, _) = (net.initial(key, "encoder") for key in ("a", "a", "b"))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    # 4·1·16 + 4 convolution, 8 norm; 8·4·16 + 8, 16; 32·16 + 16 numbers, padded to a multiple of 64.
    assert net.size == len(first) == 1152
    assert int((first != 0).sum()) <= 64 + 4 + 8 + 512 + 8 + 16 + 512 + 16
    assert set(buffers) == {
        f"convolutions.{n}.{what}"
        for n in (1, 4)
        for what in ("running_mean", "running_var", "num_batches_tracked")
    }


@pytest.mark.parametrize(
    ("network", "values"),
    [
        (PATH, {}),
        ("as_vae", {"channels": 2, "normalisation": "spectral", "mlp_width": 8}),
        ("resnet", {"channels": 2, "normalisation": "layer", "blocks": 1}),
    ],
    ids=str,
)
def test_a_step_has_the_gradients_and_running_statistics_of_pytorch_alone(
    network: str, values: dict[str, object]
) -> None:
    runs = [convolutional("vae", seed, network, **values) for seed in range(2)]
    cohort, block = Cohort(runs, CPU), Block(runs, 0, CPU)
    assert not cohort.vectorised
    before = {name: flat.clone() for name, flat in cohort.parameters.items()}
    kept = {name: {key: v.clone() for key, v in named.items()} for name, named in cohort.buffers.items()}
    with torch.inference_mode():
        losses = cohort.train(block, [("autoencoder", 0)])
    for m in range(2):
        modules = {}
        for name, built in cohort.networks.items():
            net = assemble.module_of(built.network, built.ports).train()  # type: ignore[union-attr]
            start = 0
            for value in net.parameters():
                value.data.copy_(before[name][m, start : start + value.numel()].view(value.shape))
                start += value.numel()
            net.load_state_dict({key: value[m] for key, value in kept[name].items()}, strict=False)
            modules[name] = net
        batch = Batch(modules, cohort.form, cohort.dataset, block.x[0][m], block.noise[0][m])
        loss = cohort.objectives[0].autoencoder(batch, torch.tensor(0.1))
        torch.testing.assert_close(losses[0, m], loss.detach(), rtol=1e-5, atol=1e-5)
        loss.backward()
        for name, net in modules.items():
            gradient = torch.cat(
                [value.grad.reshape(-1) for value in net.parameters() if value.grad is not None]
            )
            # Adam's first moment after one step is (1 − β1) g, with β1 = 0.5.
            torch.testing.assert_close(
                2 * cohort.optimisers[name].state["first"][m, : len(gradient)], gradient, rtol=1e-3, atol=1e-4
            )
            for key, value in net.named_buffers():
                torch.testing.assert_close(cohort.buffers[name][key][m], value, rtol=1e-5, atol=1e-6)


def test_statistics_follow_the_networks_that_a_player_trains_alone() -> None:
    runs = [convolutional("svae_r")]
    cohort, block = Cohort(runs, CPU), Block(runs, 0, CPU)
    with torch.inference_mode():
        cohort.train(block, [("critic", 0)])
    counted = {
        name: int(named.popitem()[1]) for name, named in ((n, dict(b)) for n, b in cohort.buffers.items())
    }
    # The critic scores both sides in one step of its own; encoder and decoder only give it their samples.
    assert counted == {"encoder": 0, "decoder": 0, "critic": 2}


def test_evaluation_normalises_by_the_running_statistics() -> None:
    cohort = Cohort([convolutional("vae")], CPU)
    x = datasets.find("digits_grey").test[:, :64]
    encoder = cohort.member(0)["encoder"]
    with torch.no_grad():
        torch.testing.assert_close(encoder(x)[:5], encoder(x[:5]), rtol=1e-4, atol=1e-5)


def test_arithmetic_is_counted_from_a_pass_as_it_is_from_a_perceptrons_shapes() -> None:
    ports = Ports("encoder", {"x": (8,)}, (2,), 4)
    deep = Perceptron(depth=3, width=16)
    edges, layers = deep.products(ports)
    assert (edges, layers) == (8 * 16 + 16 * 4, 2 * 16 * 16)
    assert sum(super(Perceptron, deep).products(ports)) == pytest.approx(edges + layers)
    # 4 channels of 4×4 from 16 inputs each, 8 of 2×2 from 64, and 32·16: 1,024 + 2,048 + 512.
    assert Convolutional(channels=4).products(PORTS) == (0.0, 3584.0)
    assert cost.seconds(convolutional("vae")) > 0


def states(cohort: Cohort) -> list[torch.Tensor]:
    """Parameters' first moments and the buffers of every network."""
    moments = [optimiser.state["first"] for optimiser in cohort.optimisers.values()]
    return moments + [value.double() for named in cohort.buffers.values() for value in named.values()]


def test_members_at_once_take_the_steps_of_one_after_another() -> None:
    runs = [convolutional("svae_r", seed) for seed in range(3)]
    block = Block(runs, 0, CPU)
    apart, together = Cohort(runs, CPU, native=False), Cohort(runs, CPU, native=False)
    together.vectorised = True
    with torch.inference_mode():
        losses = [cohort.train(block, [("critic", 0), ("autoencoder", 0)]) for cohort in (apart, together)]
    torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-5)
    for a, b in zip(states(apart), states(together), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_which_form_is_faster_is_measured_once_and_changes_nothing() -> None:
    cohort = Cohort([convolutional("vae", seed) for seed in range(2)], CPU, native=False)
    before = {name: flat.clone() for name, flat in cohort.parameters.items()}
    assert choice.together(cohort) in (True, False)
    assert choice.together(cohort) is choice.together(cohort)
    assert all(torch.equal(flat, before[name]) for name, flat in cohort.parameters.items())
    assert not choice.together(Cohort([convolutional("vae")], CPU, native=False))


def test_bf16_of_any_module_is_near_float32_but_not_the_same() -> None:
    runs = [convolutional("vae")]
    lower = [replace(r, precision="bf16") for r in runs]
    block = Block(runs, 0, CPU)
    exact, rounded = Cohort(runs, CPU), Cohort(lower, CPU)
    with torch.inference_mode():
        losses = [cohort.train(block, [("autoencoder", 0)]) for cohort in (exact, rounded)]
    assert not torch.equal(*losses)
    torch.testing.assert_close(*losses, rtol=0.02, atol=0.1)
    assert all(flat.dtype == torch.float32 for flat in rounded.parameters.values())
