"""What a study declares of its metrics goes into the manifest, and comes back from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from result_manifest import AT_LEAST, AT_MOST, Bound, Manifest, SchemaError, read_manifest
from sweeps.store.store import Store
from sweeps.study import Study
from sweeps.study.variants import on_data
from sweeps.toy_robustness import STUDY

PAPER = str(Path(__file__).parents[1] / "docs" / "paper_study")


def test_declared_targets_and_the_best_of_the_data_are_in_the_manifest(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "toy"))
    store.create("toy", "?", targets=STUDY.targets, limits=STUDY.limits)
    manifest = read_manifest(store.uri)
    assert manifest.targets == STUDY.targets
    assert manifest.limits == STUDY.limits
    assert manifest.best == {"inception_score": 5.0, "modes_covered": 5.0, "on_mode_score": 5.0}


def test_study_that_is_continued_gains_limits_and_keeps_them(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "toy"))
    store.create("toy", "?")
    assert read_manifest(store.uri).limits == ()
    store.create("toy", "?", limits=STUDY.limits)
    assert read_manifest(store.uri).limits == STUDY.limits
    store.create("toy", "?")
    assert read_manifest(store.uri).limits == STUDY.limits


def test_manifest_without_them_is_read_as_before() -> None:
    manifest = Manifest.from_json('{"schema_version": 1, "study": "s", "hyper_parameters": {}}', "here")
    assert manifest.targets == ()
    assert manifest.limits == ()
    assert manifest.best == {}


def test_stored_study_of_the_paper_says_what_its_declaration_says() -> None:
    manifest = read_manifest(PAPER)
    assert manifest.targets == STUDY.targets
    assert manifest.limits == STUDY.limits
    assert manifest.best["inception_score"] == 5.0


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[["mse_x", "below", 0.05]]], "'at least' or 'at most' a value, got 'below' for mse_x"),
        ([[["mse_x", "at most", "much"]]], "could not convert"),
        ([[["mse_x", "at most", float("nan")]]], "must be finite"),
        ([[]], "one bound at least, got none"),
        ([[["mse_x", 0.05]]], "not enough values"),
        (3, "not iterable"),
    ],
)
def test_manifest_with_another_target_is_refused_in_one_line(targets: object, message: str) -> None:
    text = json.dumps({"schema_version": 1, "study": "s", "hyper_parameters": {}, "targets": targets})
    with pytest.raises(SchemaError, match=message):
        Manifest.from_json(text, "here")


def test_study_refuses_a_target_that_is_none() -> None:
    with pytest.raises(ValueError, match="got 'under'"):
        Study("s", "?", {"depth": (2,)}, ("alice",), targets=((Bound("mse_x", "under", 1.0),),))
    with pytest.raises(
        ValueError, match=r"metric of a bound must be one of mse_x, .*got 'mse'; did you mean mse_x"
    ):
        Study("s", "?", {"depth": (2,)}, ("alice",), targets=((Bound("mse", AT_MOST, 1.0),),)).check_metrics()
    with pytest.raises(ValueError, match=r"did you mean modes_covered"):
        Study("s", "?", {"depth": (2,)}, ("alice",), limits=(Bound("modes", AT_MOST, 1.0),)).check_metrics()
    kept = Study(
        "s",
        "?",
        {"depth": (2,)},
        ("alice",),
        targets=((Bound("mse_x", AT_MOST, 1.0), Bound("mse_z", AT_LEAST, 0)),),
    )
    assert len(kept.targets[0]) == 2


def test_targets_stay_with_the_data_that_they_were_declared_for() -> None:
    assert on_data(STUDY, "digits").targets == ()
    assert on_data(STUDY, "digits").limits == ()
