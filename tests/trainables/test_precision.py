"""Precision of the networks' products: what it changes, what it leaves, and where it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.trainables.factory import different_runs, run, train
from trainables.engine import assemble
from trainables.engine.cohort import Cohort
from trainables.engine.training import Training
from trainables.networks import precision
from trainables.objectives.base import JointObjective


def test_bf16_rounds_operands_and_result_of_a_product_but_not_the_bias() -> None:
    # bfloat16 has 8 bits of mantissa: 1 + 2⁻⁹ rounds to 1, 3 + 2⁻⁹ to 3. 1·3 + 1·2⁻⁹ = 3.002 rounds to 3.
    # Exact: (1 + 2⁻⁹)(3 + 2⁻⁹) + 2⁻⁹ + 2⁻¹² = 3.01001.
    h = torch.tensor([[1 + 2**-9, 1.0]])
    weight = torch.tensor([[3 + 2**-9], [2**-9]])
    bias = torch.tensor([2**-12])
    assert precision.affine(h, weight, bias, "bf16").item() == 3 + 2**-12
    assert precision.affine(h, weight, bias, "float32").item() == pytest.approx(3.01001, abs=1e-5)
    assert precision.affine(h, weight, bias, "bf16").dtype == torch.float32


def test_bf16_rounds_the_products_of_the_backward_pass_too() -> None:
    # d(h·w)/dh = w rounded to bfloat16, times the error 1: 3 + 2⁻⁹ becomes 3; the bias' is the error.
    h, weight, bias = torch.ones(1, 1), torch.full((1, 1), 3 + 2**-9), torch.zeros(1)
    for tensor in (h, weight, bias):
        tensor.requires_grad_()
    precision.affine(h, weight, bias, "bf16").sum().backward()
    assert (h.grad, weight.grad, bias.grad) == (3.0, 1.0, 1.0)
    assert {t.grad.dtype for t in (h, weight, bias) if t.grad is not None} == {torch.float32}


def test_bf16_keeps_parameters_moments_losses_and_metrics_in_float32() -> None:
    training = Training([run(precision="bf16"), run("alice", precision="bf16")])
    cohort = training.cohort
    assert not cohort.native
    training.advance()
    for optimiser in cohort.optimisers.values():
        for array in (optimiser.parameters, *optimiser.state.values()):
            assert array.dtype == torch.float32
            assert not torch.equal(array, array.bfloat16().float())  # nor rounded on the way
    exact = Cohort([replace(r, precision="float32") for r in cohort.runs], cohort.device)
    for name, flat in cohort.parameters.items():
        exact.parameters[name].copy_(flat)
    with torch.inference_mode():
        ours, theirs = training.evaluation(cohort), training.evaluation(exact)
    assert all((ours[0][name] == theirs[0][name]).all() for name in ours[0])


def test_bf16_training_is_near_float32_but_not_the_same() -> None:
    runs = [run(budget=20), run("alice", budget=20, critic_dropout=0.2)]
    lower = [replace(r, precision="bf16") for r in runs]
    (_, weights), (_, expected) = train(lower), train(runs)
    for ours, theirs in zip(lower, runs, strict=True):
        for name, flat in expected[theirs.key].items():
            moved = (flat - Cohort([theirs], torch.device("cpu")).parameters[name][0]).norm()
            assert 0 < (weights[ours.key][name] - flat).norm() < 0.2 * moved


def test_a_bf16_run_is_bitwise_the_same_alone_and_in_a_cohort() -> None:
    runs = [replace(r, precision="bf16") for r in different_runs(budget=20)[:4]]
    results, weights = train(runs)
    single = runs[3]
    alone, own = train([single])
    assert alone[single.key].metrics == results[single.key].metrics
    for name, flat in own[single.key].items():
        assert torch.equal(flat, weights[single.key][name])


def test_networks_in_lower_precision_are_never_native() -> None:
    nets = assemble.build(
        run().configuration, JointObjective.form, run().dataset, native=True, precision="bf16"
    )
    assert not any(net.native for net in nets.values())


def test_tf32_is_refused_without_a_cuda_device() -> None:
    message = "precision tf32 needs a CUDA device, got cpu; use float32 or bf16"
    with pytest.raises(ValueError, match=message):
        Training([run(precision="tf32")])
    for device in ("cuda", "cuda:1"):
        precision.check("tf32", device)
    precision.check("bf16", "cpu")


def test_tf32_is_set_while_a_cohort_trains_and_never_after() -> None:
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    seen = []

    def interrupted() -> None:
        with precision.applied("tf32"):
            seen.append(matmul.fp32_precision)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        interrupted()
    assert seen == ["tf32"]
    assert matmul.fp32_precision == before
    for other in ("float32", "bf16"):
        with precision.applied(other):
            assert matmul.fp32_precision == before


def test_a_cohort_has_one_precision() -> None:
    with pytest.raises(ValueError, match="must agree in their precision"):
        Cohort([run(), run(precision="bf16")], torch.device("cpu"))
