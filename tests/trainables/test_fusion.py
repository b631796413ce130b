"""The promise of fused training: a run's result does not depend on how it was scheduled."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.trainables.factory import different_runs, run, train
from trainables.engine import blocks
from trainables.engine.training import Result, Training
from trainables.randomness import philox
from trainables.runs import Run

Trained = tuple[dict[str, Result], dict[str, dict[str, torch.Tensor]]]


def assert_same(a: Trained, b: Trained) -> None:
    """Bitwise the same metrics, curves, samples and parameters for the runs that both have."""
    keys = a[0].keys() & b[0].keys()
    assert keys
    for key in keys:
        one, other = a[0][key], b[0][key]
        assert (one.metrics, one.diverged_at, one.curve) == (other.metrics, other.diverged_at, other.curve)
        np.testing.assert_array_equal(one.samples, other.samples)
        for player, weights in a[1][key].items():
            assert torch.equal(weights, b[1][key][player])


STRUCTURES = [
    {},
    {"depth": 3, "width": 64, "critic_depth": 3, "steps": 1},
    {"width": 48, "batch_size": 96, "critic_depth": 1, "steps": 1},
]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_run_is_bitwise_the_same_alone_and_in_any_cohort(structure: dict[str, int]) -> None:
    runs = different_runs(budget=40, **structure)  # two blocks
    together = train(runs)
    for single in runs[::3]:
        assert_same(together, train([single]))
    shuffled = runs[:]
    random.Random(0).shuffle(shuffled)
    for part in (shuffled[:2], shuffled[2:5], shuffled[5:]):
        assert_same(together, train(part))


@pytest.mark.slow
@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_a_run_is_bitwise_the_same_in_a_cohort_of_24(width: int) -> None:
    runs = [r for seed in range(3) for r in different_runs(width=width, batch_size=128)]
    runs = [Run(r.study, r.algorithm, r.lam, 10 * i, r.configuration, r.budget) for i, r in enumerate(runs)]
    together = train(runs)
    for single in (runs[0], runs[13], runs[23]):
        assert_same(together, train([single]))
    assert_same(together, train(runs[5:12]))


def test_a_member_that_diverges_leaves_its_neighbours_untouched() -> None:
    runs = different_runs(budget=40)
    alone = {r.key: train([r]) for r in runs[:3]}
    training = Training(runs)
    training.advance()
    training.cohort.parameters["decoder"][1].fill_(math.nan)
    training.cohort.parameters["critic"][4].fill_(math.inf)
    training.advance()
    results = {r.run.key: r for r in training.results()}
    for m in (1, 4):
        hurt = results[runs[m].key]
        assert (hurt.diverged_at, hurt.iterations, hurt.metrics, len(hurt.samples)) == (21, 21, None, 0)
    for m in (0, 2):
        key = runs[m].key
        assert results[key].metrics == alone[key][0][key].metrics
        assert torch.equal(training.cohort.parameters["critic"][m], alone[key][1][key]["critic"])


def test_a_loss_beyond_the_bound_is_a_divergence_at_its_iteration() -> None:
    training = Training([run(), run(seed=1)])
    training.iteration = 20
    losses = np.zeros((5, 3, 2), dtype=np.float32)
    losses[3, 2, 1] = 2e6
    training._find_divergence(losses)
    assert training.diverged_at.tolist() == [0, 24]  # counted from 1: 20 done, then the fourth


def test_a_run_that_explodes_on_its_own_is_diverged() -> None:
    results, _ = train([run(learning_rate=1e4, budget=60), run(seed=1, budget=60)])
    exploded, healthy = results.values()
    assert exploded.diverged_at is not None
    assert exploded.metrics is None
    assert exploded.diverged_at <= 60
    assert healthy.diverged_at is None
    assert healthy.metrics is not None


def test_training_ends_early_when_every_member_has_diverged() -> None:
    training = Training([run(budget=400)])
    training.cohort.parameters["critic"].fill_(math.nan)
    while not training.finished:
        training.advance()
    assert training.iteration == blocks.BLOCK
    assert training.results()[0].diverged_at == 1


def test_a_run_is_bitwise_the_same_in_another_process() -> None:
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from tests.trainables.test_fusion import digits\n"
        "print(digits())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{digits()}\n"


def digits() -> tuple[list[str], list[str]]:
    """Metrics of a run, and sums of its weights, to the bit."""
    results, weights = train([run(budget=40)])
    metrics = [value.hex() for result in results.values() for value in (result.metrics or {}).values()]
    return metrics, [float(net.double().sum()).hex() for nets in weights.values() for net in nets.values()]


def test_draws_of_a_block_do_not_depend_on_the_cohort() -> None:
    runs = different_runs()
    device = torch.device("cpu")
    together, alone = blocks.Block(runs, 3, device), blocks.Block([runs[2]], 3, device)
    assert torch.equal(together.x[:, 2], alone.x[:, 0])
    assert torch.equal(together.noise[:, 2], alone.noise[:, 0])
    assert torch.equal(together.dropout[:, 2], alone.dropout[:, 0])


def test_dropout_has_the_probability_and_scale_declared() -> None:
    block = blocks.Block([run(critic_dropout=0.2), run()], 0, torch.device("cpu"))
    masks = torch.stack(
        [philox.multipliers(step[0, 0], layer, 64, 32) for step in block.dropout for layer in (0, 1)]
    )
    dropped = masks == 0
    assert dropped.float().mean().item() == pytest.approx(0.2, abs=0.003)
    torch.testing.assert_close(masks[~dropped], torch.full_like(masks[~dropped], 1.25), rtol=1e-5, atol=0)
    assert (philox.multipliers(block.dropout[0, 1, 0], 0, 64, 32) == 1).all()


def test_an_epoch_visits_every_training_point_once() -> None:
    r = run(batch_size=64)  # 2,048 / 64 = 32 batches per epoch: iterations 0-31
    indices = np.concatenate([blocks._batches(r, number)[0] for number in (0, 1)])[:32]
    assert sorted(indices.ravel().tolist()) == list(range(2048))


@pytest.mark.gpu
def test_fused_and_alone_agree_on_a_gpu_over_fifty_iterations() -> None:
    runs = different_runs(budget=50)
    _, together = train(runs, "cuda")
    for single in runs[::3]:
        _, alone = train([single], "cuda")
        for player, weights in alone[single.key].items():
            torch.testing.assert_close(weights, together[single.key][player], rtol=1e-2, atol=1e-3)
