"""A study's declaration: which runs it means."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import pytest

from analysis.stored_names import PUBLISHED
from result_manifest import read_manifest
from result_published import Published, Statement
from sweeps import avb_synthetic, image_lambda, lambda_sweep, toy_robustness
from sweeps.lambda_sweep import STUDY as LAMBDA_SWEEP
from sweeps.model_zoo import STUDY as MODEL_ZOO
from sweeps.store.store import Store
from sweeps.study import Preset, Study
from sweeps.study.space import Float
from sweeps.toy_robustness import STUDY
from trainables import objectives
from trainables.datasets.images.base import Images

FIXED = {name: levels[:1] for name, levels in STUDY.space.items() if name != "width"}


def test_toy_study_declares_576_configurations_and_1152_embedded_runs() -> None:
    assert len(set(STUDY.configurations())) == 576 == prod(len(levels) for levels in STUDY.space.values())
    runs = STUDY.runs(STUDY.preset("embedded"))
    assert len({run.key for run in runs}) == len(runs) == 1152
    assert {run.budget for run in runs} == {300}


def test_paper_preset_declares_5760_runs() -> None:
    runs = STUDY.runs(STUDY.preset("paper"))
    assert len({run.key for run in runs}) == 5760
    assert Counter(run.lam for run in runs) == dict.fromkeys((0.0, 0.01, 0.1, 1.0, 10.0), 1152)


def test_lambda_sweep_declares_14_lambdas_of_48_configurations_and_3_seeds() -> None:
    runs = LAMBDA_SWEEP.runs(LAMBDA_SWEEP.preset("embedded"))
    assert len({run.key for run in runs}) == 14 * 48 * 3 * 2
    lambdas = sorted({run.lam for run in runs})
    assert (lambdas[0], lambdas[1], lambdas[-1]) == (0.0, 1e-4, 100.0)
    assert {0.001, 0.01, 0.1, 1.0, 10.0} <= set(lambdas)  # exactly: other studies have these too


def test_declaration_pairs_the_algorithms_on_every_configuration_and_seed() -> None:
    runs = STUDY.runs(STUDY.preset("smoke", seeds=2))
    pairs = Counter((run.configuration.key, run.lam, run.seed) for run in runs)
    assert set(pairs.values()) == {2}


@pytest.mark.parametrize("limit", [6, 12, 24, 48, 96, 288])
def test_subset_is_balanced_in_every_level(limit: int) -> None:
    chosen = [configuration for _, configuration in STUDY.subset(limit)]
    assert len(set(chosen)) == limit
    for name, levels in STUDY.space.items():
        counts = Counter(getattr(c, name) for c in chosen)
        assert max(counts.values()) - min(counts[level] for level in levels) <= 2


def test_subset_is_nested_in_larger_ones_and_keeps_its_numbers() -> None:
    small, large = STUDY.subset(10), STUDY.subset(50)
    assert set(small) <= set(large)
    everything = dict(enumerate(STUDY.configurations()))
    assert all(everything[number] == configuration for number, configuration in large)


def test_extending_lambdas_or_seeds_keeps_the_keys_of_what_was_declared() -> None:
    few = {run.key for run in STUDY.runs(STUDY.preset("smoke"))}
    more = {run.key for run in STUDY.runs(STUDY.preset("smoke", lambdas=(1.0, 0.1), seeds=2, limit=24))}
    assert few < more


def test_repeated_values_declare_no_run_twice() -> None:
    runs = STUDY.runs(STUDY.preset("smoke", lambdas=(0.1, 0.10, 0.1)), ["alice", "alice"])
    assert len({run.key for run in runs}) == len(runs) == 12


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"limit": 0}, "limit must be 1 to 576"),
        ({"limit": 577}, "limit must be 1 to 576.*got 577"),
        ({"lambdas": (-0.1,)}, "lambda must be finite and >= 0, got -0.1"),
        ({"seeds": 0}, "seeds must be >= 1, got 0"),
        ({"iterations": 0}, "iterations must be >= 1, got 0"),
    ],
)
def test_declaration_refuses_values_out_of_bounds(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        STUDY.runs(STUDY.preset("smoke", **overrides))


def test_preset_and_algorithm_must_be_known() -> None:
    with pytest.raises(ValueError, match="preset must be one of smoke, embedded, paper, got 'tiny'"):
        STUDY.preset("tiny")
    with pytest.raises(ValueError, match="algorithm must be one of"):
        STUDY.runs(STUDY.preset("smoke"), ["vae_x"])


@pytest.mark.parametrize("name", ["", "../x", "a b", "naïve", "a/b"])
def test_study_names_are_safe_as_directories(name: str) -> None:
    with pytest.raises(ValueError, match="a study's name must be"):
        replace(STUDY, name=name)


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        ("mixture5", {"ada"}),
        ("digits", {"ada", "as_vae", "as_vae_flow", "as_vae_g", "as_vae_r", "svae_r_explicit", "vae_gan"}),
    ],
)
def test_the_zoo_compares_every_system_that_its_data_allow(data: str, refused: set[str]) -> None:
    zoo = replace(MODEL_ZOO, data=data)
    compared = {run.algorithm for run in zoo.runs(zoo.preset("smoke"))}
    assert set(objectives.available()) - compared == refused


def test_a_space_may_have_hyper_parameters_that_algorithms_have_of_their_own():
    study = Study(
        "own",
        "?",
        {"width": (32, 64), "temperature": (1.5, 3.0), **FIXED},
        algorithms=("vae", "aavae", "aavae:temperature=5"),
        presets={"all": Preset(iterations=10, lambdas=(0.1,))},
    )
    assert study.compared() == ("vae", "aavae", "aavae:temperature=3", "aavae:temperature=5")
    assert len(study.configurations()) == 2  # what is an algorithm's own makes no configuration
    runs = study.runs(study.preset("all"))
    assert len(runs) == 2 * 4
    without = replace(study, space={name: study.space[name] for name in study.shared})
    usual = {run.key for run in without.runs(without.preset("all"), ["vae", "aavae"])}
    assert usual < {
        run.key for run in runs
    }  # a finished study is extended by the axis: the default's runs are those it has


def test_a_study_of_some_of_its_algorithms_leaves_out_what_only_the_others_have():
    own = {"temperature": (1.5, 3.0), "penalty": (1.0, 10.0)}
    study = Study("own", "?", {**own, **FIXED}, algorithms=("vae", "aavae", "wgan_gp"))
    assert set(study.comparing(["vae"]).space) == set(FIXED)
    assert set(study.comparing(["vae", "aavae"]).space) == {"temperature", *FIXED}
    assert study.comparing(["aavae", "wgan_gp"]) == study
    unused = Study("own", "?", {"temperature": (1.5,), **FIXED}, algorithms=("vae",))
    with pytest.raises(ValueError, match="compare one of those, or leave it out"):
        unused.comparing(["svae"])


def test_levels_can_be_varied_by_words_and_of_the_study_nothing_else_changes():
    study = STUDY.varied({"width": ["32"], "learning_rate": ["1e-3", "0.01"]})
    assert study.space["width"] == (32,)
    assert study.space["learning_rate"] == (1e-3, 0.01)
    assert len(study.configurations()) == 576 // 3 // 3 * 2
    kept = {c.key for c in study.configurations()} & {c.key for c in STUDY.configurations()}
    assert len(kept) == 576 // 9


def test_an_own_hyper_parameter_must_be_known_of_who_is_compared_and_have_levels():
    def space(**own):
        return replace(STUDY, space={**STUDY.space, **own})

    with pytest.raises(
        ValueError, match="temperature must be of an algorithm that is compared, got it of aacvae"
    ):
        space(temperature=(1.0,)).compared()
    with pytest.raises(ValueError, match="got 'penalti'; did you mean penalty"):
        space(penalti=(1.0,)).compared(["wgan_gp"])
    with pytest.raises(
        ValueError, match="clip, which algorithms have of their own, must have levels, got Float"
    ):
        space(clip=Float(0.01, 1.0)).compared(["wgan"])


def test_published_numbers_are_in_the_manifest_with_the_version_of_their_data(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    store.create(STUDY.name, STUDY.question)
    assert read_manifest(store.uri).published is None
    store.create(STUDY.name, STUDY.question, data="digits", published=STUDY.published)
    found = read_manifest(store.uri).published
    assert found == replace(STUDY.published, data="mixture5-v1")
    store.create(STUDY.name, STUDY.question)
    assert read_manifest(store.uri).published == found


def test_published_numbers_of_other_images_need_no_files_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(images: Images) -> None:
        raise AssertionError(f"{images.name} are read")

    monkeypatch.setattr(Images, "prepared", property(read))
    store, published = Store(str(tmp_path / "s")), image_lambda.STUDY.published
    store.create(image_lambda.STUDY.name, "?", data="digits", published=published)
    assert read_manifest(store.uri).published == published


@pytest.mark.parametrize(
    ("published", "message"),
    [
        (
            Published("mixture5", 0, (Statement("alice", "1", "me", metric="fid"),)),
            "must be of one of .*, got 'fid'",
        ),
        (Published("", 0, (Statement("alice", "1", "me"),)), "must name the data set"),
    ],
)
def test_published_numbers_of_no_metric_or_data_are_refused(published: Published, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(STUDY, published=published).check_metrics()


@pytest.mark.parametrize("changes", [{"source": ""}, {"words": ""}, {"value": math.nan}])
def test_published_statement_has_words_a_source_and_finite_numbers(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="of a published statement must be"):
        Statement(**{"algorithm": "alice", "words": "1", "source": "me", **changes})


@pytest.mark.parametrize(
    "study_of", [toy_robustness, lambda_sweep, avb_synthetic], ids=lambda module: module.STUDY.name
)
def test_studies_declare_what_stored_ones_are_held_against(study_of):
    assert study_of.STUDY.published == PUBLISHED[study_of.STUDY.name]
