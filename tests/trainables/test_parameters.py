"""Hyper-parameters that objectives declare as their own: names, keys, bounds, and that they do what they say."""

from __future__ import annotations

import pytest
import torch

from result_names import own_values
from tests.trainables.factory import run, train
from trainables import objectives
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.training import Training
from trainables.parameters import declared, own

VARIED = sorted(name for name, objective in objectives.available().items() if objective.own)


def other(name: str) -> str:
    """A variant of an algorithm: its first own hyper-parameter at another value than the default."""
    objective = objectives.find(name)
    parameter, value = next(iter(objective.own.items()))
    return objective.changed({parameter: 2 if isinstance(value, int) and value != 2 else value * 2}).name


def test_the_papers_own_hyper_parameters_are_declared_where_they_are_read():
    found = {name: dict(objectives.find(name).own) for name in VARIED}
    assert found == {
        "aacvae": {"temperature": 1.5}, "aassvae": {"temperature": 1.5}, "aavae": {"temperature": 1.5},
        "as_vae_flow": {"length": 4}, "vae_flow": {"length": 4}, "iwgan": {"k": 0},
        "avb": {"critic_steps": 3}, "avb_ac": {"critic_steps": 3}, "avb_prior": {"critic_steps": 3}, "avb_ac_prior": {"critic_steps": 3},
        "avb_f_gan": {"critic_steps": 3}, "avb_sum": {"critic_steps": 3}, "aae_log_ratio": {"critic_steps": 3},
        "avb_inner": {"critic_steps": 3, "features": 16},
        "iwae": {"k": 5}, "gmmn": {"bandwidth": 0.4},
        "wgan": {"critic_steps": 5, "clip": 0.01}, "wgan_gp": {"critic_steps": 5, "penalty": 10.0},
    }  # fmt: skip


def test_a_default_is_in_no_name_and_in_no_key():
    assert objectives.find("aavae:temperature=1.5").name == "aavae"
    assert objectives.find("wgan:clip=0.01,critic_steps=2").name == "wgan:critic_steps=2"
    assert objectives.find("wgan:clip=0.1,critic_steps=2").name == "wgan:critic_steps=2,clip=0.1"
    assert objectives.find("aavae").changed({}).name == "aavae"
    assert own_values("wgan:critic_steps=2,clip=0.1") == {"critic_steps": "2", "clip": "0.1"}
    assert own_values("wgan") == {}


def test_runs_that_differ_in_an_own_hyper_parameter_have_other_keys_and_the_same_draws():
    usual, warm = run("aavae"), run("aavae:temperature=3")
    assert usual.key != warm.key
    assert usual.stream_key == warm.stream_key
    assert usual.configuration == warm.configuration


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gan:temperature=2", "gan has no hyper-parameter of its own, got 'temperature'"),
        ("aavae:heat=2", "aavae has the hyper-parameters temperature of its own, got 'heat'"),
        ("aavae:temperature=0", "temperature must be > 0.0, got 0.0"),
        ("aavae:temperature=nan", "temperature must be finite, got nan"),
        ("aavae:temperature=hot", "temperature must be float, got 'hot'"),
        ("wgan:critic_steps=1.5", "critic_steps must be int, got '1.5'"),
        (
            "wgan:critic_steps",
            "hyper-parameters of wgan's own must be like wgan:name=value, got 'wgan:critic_steps'",
        ),
        ("wgan:clip=1,clip=2", "must be like aavae:temperature=3"),
        ("waan:clip=1", "algorithm must be one of"),
    ],
)
def test_what_is_no_variant_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        objectives.find(name)


def test_a_batch_that_groups_of_k_do_not_fill_is_refused():
    assert run("iwgan:k=32", batch_size=64).algorithm == "iwgan:k=32"
    with pytest.raises(
        ValueError, match="iwgan:k=48 needs a batch_size that is a multiple of k = 48, got 64"
    ):
        run("iwgan:k=48", batch_size=64)


def test_a_default_out_of_its_own_bounds_is_refused_where_it_is_declared():
    message = r"the default of .*:Wrong\.rate must be within its own bounds: rate must be > 0\.0, got 0\.0"
    with pytest.raises(ValueError, match=message):
        declared(type("Wrong", (), {"rate": own(0.0, above=0.0)}))
    assert declared(type("Right", (), {"rate": own(0.5, above=0.0)}))["rate"].default == 0.5


def test_forms_follow_what_they_are_declared_by():
    assert objectives.find("wgan:critic_steps=2,clip=0.5").form.updates(1).count("critic") == 2
    assert objectives.find("wgan:clip=0.5").form.clip == 0.5
    assert objectives.find("vae_flow:length=7").form.networks["encoder"].flow == 7
    assert objectives.find("avb:critic_steps=1").form.updates(2) == ["critic", "autoencoder"] * 2
    assert objectives.find("avb").form.updates(1) == ["critic"] * 3 + ["autoencoder"]


def test_variants_of_one_form_train_in_one_cohort_as_they_would_alone():
    runs = [run(name, seed=3) for name in ("aavae", "aavae:temperature=3", "aavae:temperature=0.5")]
    together, _ = train(runs)
    for one in runs:
        alone, _ = train([one])
        assert alone[one.key].metrics == together[one.key].metrics
    scores = {str(together[one.key].metrics) for one in runs}
    assert len(scores) == 3


def test_iwgan_whose_samples_share_with_none_is_gan():
    gan, alone = run("gan"), run("iwgan:k=1")
    found, _ = train([gan])
    others, _ = train([alone])
    assert others[alone.key].metrics["inception_score"] == pytest.approx(
        found[gan.key].metrics["inception_score"], rel=1e-3
    )


@pytest.mark.parametrize("name", VARIED)
def test_every_own_hyper_parameter_changes_what_is_trained(name):
    data = "digits_10pct_labels" if name == "aassvae" else "digits" if name == "aacvae" else "mixture5"
    objectives.check(other(name), data)
    if data != "mixture5":
        return
    runs = [run(algorithm, budget=6) for algorithm in (name, other(name))]
    flats = []
    for one in runs:
        training = Training([one], "cpu")
        while not training.finished:
            training.advance()
        flats.append({k: v.clone() for k, v in training.cohort.parameters.items()})
    same = [torch.equal(flats[0][k], flats[1][k]) for k in flats[0] if flats[0][k].shape == flats[1][k].shape]
    assert not all(same) or len(same) < len(flats[0])


@pytest.mark.parametrize("kernels", [True, False])
def test_weight_decay_takes_its_part_of_every_parameter_at_every_step(kernels: bool):
    found = []
    for decay in (0.0, 0.5):
        runs = [run(seed=1, learning_rate=1e-2, weight_decay=decay), run(seed=1, learning_rate=1e-2)]
        cohort = Cohort(runs, torch.device("cpu"), kernels)
        start = {name: flat.clone() for name, flat in cohort.parameters.items()}
        with torch.inference_mode():
            cohort.train(Block(cohort.runs, 1, cohort.device), [("autoencoder", 0)])
        found.append((start, cohort.parameters))
    (start, without), (begun, decayed) = found
    for name in (
        "encoder",
        "decoder",
    ):  # the stream of a run has its weight decay in it: weights begin elsewhere
        step, decayed_step = without[name][1] - start[name][1], decayed[name][1] - begun[name][1]
        torch.testing.assert_close(step, decayed_step)  # whose neighbour decays
        moved = decayed[name][0] - begun[name][0]
        used = begun[name][0].abs() > 0.02  # what Adam's first step, of 0.01, does not hide
        shrunk = moved + 0.005 * begun[name][0]
        by_the_rate = (shrunk[used].abs() - 0.01).abs() < 3e-4
        assert by_the_rate.float().mean() > 0.9  # the others have no gradient, or hardly any
        assert ((moved[used].abs() - 0.01).abs() < 3e-4).float().mean() < 0.5
    assert torch.equal(decayed["critic"], begun["critic"])
