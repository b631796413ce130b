"""Trained models as files: equal to their run to the bit, ordinary modules, and what is refused."""

from __future__ import annotations

import copy
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.trainables import image_files
from tests.trainables.factory import different_runs, home, run
from tests.trainables.test_any_module import convolutional
from tests.trainables.test_systems import ALL
from trainables import objectives, saved_models
from trainables.datasets.files import root
from trainables.engine.cohort import Cohort
from trainables.engine.training import Result, Training
from trainables.runs import Run
from trainables.saved_models import TrainedModel, __main__, files, weights
from trainables.saved_models.record import Record

ROOT = Path(__file__).parents[2]


def trained(
    runs: list[Run], m: int = 0, until: int | None = None, metrics: list[str] | None = None
) -> tuple[TrainedModel, Result]:
    """The model of one of the runs, read from its file's content, and the result of its training."""
    training = Training(runs, until=until, metrics=metrics)
    while not training.finished:
        training.advance()
    result = training.results()[m]
    record = Record.of(training, result, "cpu", "abc", {"torch": torch.__version__})
    return files.unpack(files.packed(record, weights.of_member(training.cohort, m))), result


@pytest.fixture(scope="module")
def small() -> tuple[TrainedModel, Result]:
    return trained([run("svae_r", budget=20), run("svae_r", seed=1, budget=20)], 1)


def assert_equal(measured: Result, result: Result) -> None:
    assert measured.metrics == result.metrics
    np.testing.assert_array_equal(measured.samples, result.samples)
    assert measured.pictures.keys() == result.pictures.keys()
    for kind, images in result.pictures.items():
        np.testing.assert_array_equal(measured.pictures[kind], images)


@pytest.mark.parametrize("name", ALL)
def test_a_saved_model_of_every_system_is_its_run_to_the_bit_and_does_what_the_system_can(name: str) -> None:
    model, result = trained([run(name, budget=20, width=32, depth=1, critic_depth=1, batch_size=32)])
    assert_equal(model.measure(), result)
    own = [n for n in objectives.find(name).form.networks if n not in model.data.known]
    assert [n for n, _ in model.named_children()] == own
    x = model.data.test[:6, : model.data.x_dim]
    takes = [n for n, net in model.form.networks.items() if "y" in net.inputs and not net.critic]
    labels = torch.arange(6) % model.data.classes if takes else None
    shape = model.data.shape if np.prod(model.data.shape) == model.data.x_dim else (model.data.x_dim,)
    if "decoder" in model.form.networks and "decoder" not in model.data.known:
        points = model.sample(6, seed=3, labels=labels)
        assert points.shape == (6, *shape)
        assert bool(points.isfinite().all())
    if "encoder" in model.form.networks:
        assert model.encode(x, labels=labels).shape == (6, model.data.z_dim)
        assert model.reconstruct(x.reshape(6, *shape), labels=labels).shape == (6, *shape)


@pytest.mark.parametrize(
    ("data", "name", "metrics"),
    [
        ("digits", "cvae", ["mse_x", "elbo"]),
        ("eight_schools", "vae", None),
        ("digits_shifted", "cyclegan", ["mse_x", "mse_z"]),
    ],
)
def test_a_saved_model_is_its_run_to_the_bit_on_data_of_every_kind(
    data: str, name: str, metrics: list[str] | None
) -> None:
    one = run("vae", budget=20)
    model, result = trained([Run("test", name, 0.1, 0, one.configuration, 20, data=data)], metrics=metrics)
    assert result.metrics
    assert_equal(model.measure(), result)
    assert model.sample(3).shape == (3, *model.data.shape)


def test_a_member_of_any_cohort_is_saved_with_its_own_weights() -> None:
    runs = different_runs(budget=20)
    model, result = trained(runs, 4)
    assert model.record.key == runs[4].key == result.run.key
    assert_equal(model.measure(), result)
    assert_equal(trained([runs[4]])[0].measure(), result)


def test_modules_of_somebody_elses_with_batch_normalisation_are_saved_with_their_statistics() -> None:
    runs = [replace(convolutional("alice", seed), budget=20) for seed in range(2)]
    model, result = trained(runs, 1, metrics=["mse_x", "mse_z"])
    assert result.pictures
    assert {"encoder", "decoder", "critic"} == {name for name, _ in model.named_children()}
    assert any("running_mean" in name for name in model.weights)
    assert not model.encoder.training
    assert_equal(model.measure(), result)


def test_a_run_that_was_stopped_is_saved_as_far_as_it_came() -> None:
    model, result = trained([run("svae_r", budget=80)], until=20)
    assert model.record.iterations == 20
    assert_equal(model.measure(), result)


def test_modules_compute_what_the_evaluation_of_the_run_does(small: tuple[TrainedModel, Result]) -> None:
    model, result = small
    z = torch.zeros(4, 2)
    by_hand = model.decoder(torch.cat([z, z], -1))  # z and its noise, one after the other
    torch.testing.assert_close(model.functions().decode(z, z), by_hand)
    torch.testing.assert_close(model(z), by_hand)
    x = model.data.test
    again = model.reconstruct(x[:, :2])
    assert (again - x[:, :2]).square().mean().item() == pytest.approx(result.metrics["mse_x"], rel=0.05)  # type: ignore[index]


def test_samples_depend_on_the_seed_alone_and_the_first_stay_when_there_are_more(
    small: tuple[TrainedModel, Result],
) -> None:
    model, _ = small
    assert torch.equal(model.sample(300, seed=1)[:256], model.sample(256, seed=1))
    assert torch.equal(model.sample(5), model.sample(5))
    assert not torch.equal(model.sample(5, seed=1), model.sample(5, seed=2))
    assert not model.sample(2).requires_grad


def test_a_model_can_be_trained_on_copied_and_pickled(small: tuple[TrainedModel, Result]) -> None:
    model = copy.deepcopy(small[0])
    model.functions().decode(torch.zeros(1, 2), torch.zeros(1, 2)).sum().backward()
    assert model.decoder.flat.grad.abs().sum() > 0
    with torch.no_grad():
        model.decoder.flat += 1
    stream = io.BytesIO()
    torch.save(model, stream)
    stream.seek(0)
    back = torch.load(stream, weights_only=False)
    assert torch.equal(back.decoder.flat, model.decoder.flat)
    assert not torch.equal(back.decoder.flat, small[0].decoder.flat)


def test_labels_are_classes_or_one_hot_and_are_asked_for() -> None:
    model, _ = trained([run("cvae", budget=20)])
    assert model.data.classes == 5
    x = model.data.test[:3, :2]
    as_classes = model.reconstruct(x, labels=[0, 1, 4])
    assert torch.equal(as_classes, model.reconstruct(x, labels=torch.eye(5)[[0, 1, 4]]))
    assert torch.equal(model.sample(7), model.sample(7, labels=[0, 1, 2, 3, 4, 0, 1]))
    with pytest.raises(ValueError, match="cvae takes the label of each point, got none"):
        model.encode(x)
    for wrong in ([0, 1], [0, 1, 5], [0.0, 1.0, 2.0]):
        with pytest.raises(ValueError, match="labels must be 3 classes from 0 to 4, or one-hot"):
            model.encode(x, labels=wrong)


def test_labels_that_are_left_out_are_a_classifiers_own() -> None:
    model, _ = trained([run("ssvae", budget=20)])
    x = model.data.test[:50, :2]
    told = model.functions().log_class(x).argmax(-1)
    assert torch.equal(model.encode(x), model.encode(x, labels=told))


def test_what_a_system_has_not_is_refused(small: tuple[TrainedModel, Result]) -> None:
    model, _ = trained([run("gan", budget=20)])
    with pytest.raises(
        ValueError, match="must have the network encoder for that, got gan, which has decoder, critic"
    ):
        model.encode(model.data.test[:2, :2])
    with pytest.raises(AttributeError, match="encoder"):
        _ = model.encoder
    with pytest.raises(ValueError, match="labels must be left out of svae_r, which takes none"):
        small[0].sample(2, labels=[0, 1])
    with pytest.raises(ValueError, match=r"points of mixture5 must be \[n, 2\]"):
        small[0].encode(torch.zeros(3, 5))


def test_a_model_of_images_generates_where_the_images_are_not(tmp_path: Path) -> None:
    image_files.WRITERS["mnist"](tmp_path / "data")
    with root.using(str(tmp_path / "data")):
        one = Run("test", "svae_r", 0.1, 0, run("vae", batch_size=32).configuration, 20, data="mnist")
        cohort = Cohort([one], torch.device("cpu"), native=False)
        record = Record(
            one.key, one.to_dict(), one.dataset.version, one.version, 20, {}, ("mse_x",), "cpu", "abc", {}
        )
    files.write(tmp_path / "model.pt", files.packed(record, weights.of_member(cohort, 0)))
    (tmp_path / "elsewhere").mkdir()
    program = """
import sys
from trainables import saved_models
model = saved_models.load(sys.argv[1])
print(list(model.sample(3).shape), sorted({'ray', 'mlflow', 'optuna'} & {name.split('.')[0] for name in sys.modules}))
try:
    model.measure()
except ValueError as error:
    print(error)
"""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "GENERATIVE_ROBUSTNESS_DATA": str(tmp_path / "elsewhere"),
    }
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "model.pt")], capture_output=True, text=True,
                          env=environment, check=False)  # fmt: skip
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "[3, 28, 28] []"
    assert second.startswith("mnist must have its files ")


# What is refused


def content(model: TrainedModel) -> bytes:
    return files.pack(model)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.03, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_said_in_one_line(
    share: float, small: tuple[TrainedModel, Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, path = content(small[0]), tmp_path / "model.pt"
    path.write_bytes(whole[: int(share * len(whole))])
    assert __main__.main([str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"trainables.saved_models: {path} must be a file of a trained model, but it cannot be read"
    )
    assert line.endswith("it is cut off or another file: save the run again")


def test_files_of_others_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other"
    path.write_bytes(safetensors.torch.save({"a": torch.zeros(2)}))
    assert __main__.main([str(path)]) == 2
    torch.save({"a": torch.zeros(2)}, path)
    assert __main__.main([str(path)]) == 2
    assert __main__.main([str(tmp_path / "none")]) == 2
    first, second, third = capsys.readouterr().err.splitlines()
    assert "its header has no generative_robustness; it is another's" in first
    assert "it cannot be read" in second
    assert "No such file" in third


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "its record is of format 2, this is 1"),
        ({"colour": 1}, "its record cannot be read"),
        (
            {"version": 9},
            "a model of svae_r must be of version 1, which is here, got version 9; use commit abc",
        ),
    ],
)
def test_a_record_of_another_version_is_refused(
    change: dict[str, int], reason: str, small: tuple[TrainedModel, Result]
) -> None:
    text = json.dumps({**json.loads(small[0].record.to_json()), **change})
    other = safetensors.torch.save(small[0].weights, {files.RECORD: text})
    with pytest.raises(saved_models.ModelFileError, match=reason):
        files.unpack(other)


def test_weights_of_other_networks_are_refused(small: tuple[TrainedModel, Result]) -> None:
    model, _ = small
    for other in (
        {**model.weights, "critic.flat": torch.zeros(3)},
        {n: v for n, v in model.weights.items() if n != "critic.flat"},
        {**model.weights, "judge.flat": torch.zeros(3)},
    ):
        with pytest.raises(
            ValueError, match=r"weights must be those of svae_r's networks, but (critic|judge).flat must have"
        ):
            TrainedModel(model.record, other)


def test_a_run_that_diverged_has_no_model() -> None:
    training = Training([run("svae_r", budget=20, learning_rate=1e3)])
    while not training.finished:
        training.advance()
    with pytest.raises(
        ValueError, match=r"must have trained to its end to have a model, but .* diverged after"
    ):
        Record.of(training, training.results()[0], "cpu", "abc", {})


def test_the_command_measures_a_file_again_and_says_what_is_not_equal(
    small: tuple[TrainedModel, Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.safetensors"
    saved_models.save(small[0], path)
    assert __main__.main([str(path)]) == 0
    assert capsys.readouterr().out.endswith("equal to the bit\n")
    changed = copy.deepcopy(small[0])
    with torch.no_grad():
        changed.encoder.flat[:64] += 0.1
    saved_models.save(changed, path)
    assert __main__.main([str(path)]) == 1
    assert "not equal mse_x: " in capsys.readouterr().out
    assert home("svae_r") == "mixture5"
