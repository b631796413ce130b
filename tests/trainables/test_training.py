"""The training loop: results, learning, checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.factory import different_runs, run, train
from trainables import metrics
from trainables.engine import checkpoint
from trainables.engine.cohort import Cohort
from trainables.engine.evaluation import SAMPLES
from trainables.engine.training import Training
from trainables.metrics.base import END


def test_results_hold_metrics_curve_and_samples() -> None:
    training = Training([run(budget=70), run("alice", budget=70)])
    while not training.finished:
        training.advance()
    for result in training.results():
        assert result.metrics is not None
        of_curve = ["mse_x", "mse_z", "inception_score", "modes_covered", "on_mode_share"]
        assert list(result.metrics)[: len(of_curve)] == of_curve
        assert all(metrics.find(name).when is END for name in list(result.metrics)[len(of_curve) :])
        assert [point["iteration"] for point in result.curve] == [20, 40, 60, 70]
        assert all(result.curve[-1][name] == result.metrics[name] for name in of_curve)
        assert result.samples.shape == (SAMPLES, 2)
        assert result.iterations == 70
        assert result.train_seconds > 0


def test_results_are_refused_before_the_end() -> None:
    with pytest.raises(RuntimeError, match="results need all 60 iterations, 0 are done"):
        Training([run()]).results()


def test_training_learns_to_reconstruct_and_to_generate() -> None:
    # The variance of the data, 3.24, is the error of a constant reconstruction.
    result = next(iter(train([run("alice", 1.0, budget=400, width=64, steps=5, batch_size=128)])[0].values()))
    assert result.metrics is not None
    assert result.metrics["mse_x"] < 0.1
    assert result.metrics["inception_score"] > 3.5


def test_cohort_refuses_mixed_structures_and_budgets_and_emptiness() -> None:
    cpu = torch.device("cpu")
    with pytest.raises(ValueError, match="must agree in their structure"):
        Cohort([run(), run(width=64)], cpu)
    with pytest.raises(ValueError, match="must agree in their budget"):
        Cohort([run(), run(budget=61)], cpu)
    with pytest.raises(ValueError, match="at least one run"):
        Cohort([], cpu)


def test_training_continues_from_a_checkpoint_to_the_same_bits(tmp_path: Path) -> None:
    runs = different_runs(budget=80)
    whole, weights = train(runs)
    first = Training(runs)
    for _ in range(2):
        first.advance()
    checkpoint.save(first, tmp_path)
    second = Training(runs)
    checkpoint.load(second, tmp_path)
    assert second.iteration == 40
    while not second.finished:
        second.advance()
    for m, result in enumerate(second.results()):
        assert result.metrics == whole[runs[m].key].metrics
        assert result.curve == whole[runs[m].key].curve
        assert torch.equal(second.cohort.parameters["critic"][m], weights[runs[m].key]["critic"])


OTHER_STRUCTURE = {"width": 48, "batch_size": 96, "critic_depth": 1, "steps": 1}


@pytest.mark.parametrize("structure", [{}, pytest.param(OTHER_STRUCTURE, marks=pytest.mark.slow)])
def test_survivors_of_several_cohorts_go_on_together_or_alone_to_the_bits_of_uninterrupted_runs(
    structure: dict[str, int],
) -> None:
    runs = different_runs(budget=240, **structure)  # evaluated every 40
    whole, weights = train(runs)
    packed = []
    for part in (runs[:5], runs[5:7], runs[7:]):
        training = Training(part, until=80)
        while not training.finished:
            training.advance()
        for result in training.results():
            assert (result.stopped, result.iterations, len(result.samples)) == (True, 80, 0)
            assert result.curve == whole[result.run.key].curve[:2]
            assert result.metrics == {name: result.curve[-1][name] for name in result.metrics or {}}
        packed.append((checkpoint.pack(training), training))
    for survivors in ([runs[6], runs[1], runs[7], runs[4]], [runs[2]]):
        training = Training(survivors)
        checkpoint.unpack(training, [content for content, _ in packed])
        spent = {r.key: t.seconds[m] for _, t in packed for m, r in enumerate(t.runs)}
        assert training.seconds[: len(survivors)].tolist() == [spent[run.key] for run in survivors]
        while not training.finished:
            training.advance()
        for m, result in enumerate(training.results()):
            expected = whole[result.run.key]
            assert not result.stopped
            assert (result.metrics, result.curve) == (expected.metrics, expected.curve)
            np.testing.assert_array_equal(result.samples, expected.samples)
            assert result.train_seconds > spent[result.run.key]
            for name, flat in training.cohort.parameters.items():
                assert torch.equal(flat[m], weights[result.run.key][name])


def test_states_of_two_iterations_do_not_go_on_together() -> None:
    first, second = Training([run(budget=240)]), Training([run(budget=240, seed=1)])
    first.advance()
    contents = [checkpoint.pack(first), checkpoint.pack(second)]
    with pytest.raises(ValueError, match=r"must be of one iteration, got \[0, 20\]"):
        checkpoint.unpack(Training([*first.runs, *second.runs]), contents)


@pytest.mark.parametrize("until", [0, 60, 260])
def test_training_ends_at_an_evaluation_only(until: int) -> None:
    with pytest.raises(ValueError, match=f"until must be a multiple of 40.*got {until}"):
        Training([run(budget=240)], until=until)


def test_checkpoint_of_other_runs_is_refused(tmp_path: Path) -> None:
    checkpoint.save(Training([run()]), tmp_path)
    with pytest.raises(ValueError, match="a checkpoint must be of the same runs"):
        checkpoint.load(Training([run(seed=1)]), tmp_path)


class Payload:
    """Runs code when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.marker,))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    torch.save({"runs": Payload(tmp_path / "ran")}, tmp_path / checkpoint.FILE)
    with pytest.raises(checkpoint.DamagedError):
        checkpoint.load(Training([run()]), tmp_path)
    assert not (tmp_path / "ran").exists()


def test_metrics_of_a_perfect_autoencoder_are_those_of_its_data() -> None:
    # Identity networks: encoder (x, ε) -> x, decoder (z, ξ) -> z reconstruct exactly, and generate N(0, I).
    training = Training([run(depth=1, width=32), run(depth=1, width=32, seed=1)])
    for name in ("encoder", "decoder"):
        net = training.cohort.networks[name].net
        for flat in training.cohort.parameters[name].zero_():
            net.flat.data = flat
            (first, _), (last, _) = ((w.data, b) for w, b in net.layers())
            for i in range(2):  # relu(t) − relu(−t) = t
                first[i, 2 * i], first[i, 2 * i + 1] = 1.0, -1.0
                last[2 * i, i], last[2 * i + 1, i] = 1.0, -1.0
    values, points = training.evaluation(training.cohort)
    np.testing.assert_allclose(values["mse_x"], 0, atol=1e-12)
    np.testing.assert_allclose(values["mse_z"], 0, atol=1e-12)
    # N(0, I) within 0.6 of the origin: 1 − e^{−0.18} = 0.165; the four other discs add 4 · ≈ 0.0041.
    np.testing.assert_allclose(values["on_mode_share"], 0.165 + 4 * 0.0041, atol=0.03)
    assert points.shape == (2, 256, 2)


@pytest.mark.parametrize("alone", [False, True])
def test_a_metric_of_the_end_is_taken_after_the_last_iteration_and_no_earlier(
    alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = metrics.find("mse_x")
    monkeypatch.setattr(type(metric), "when", END)
    monkeypatch.setattr(type(metric), "alone", alone)
    training = Training([run(budget=60), run(budget=60, seed=1)], metrics=["mse_x", "mse_z"])
    while not training.finished:
        training.advance()
    for result in training.results():
        assert [point.keys() & {"mse_x", "mse_z", "inception_score"} for point in result.curve] == [
            {"mse_z"}, {"mse_z"}, {"mse_x", "mse_z"},
        ]  # fmt: skip
        assert list(result.metrics or {}) == ["mse_x", "mse_z"]
