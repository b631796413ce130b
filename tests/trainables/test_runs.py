"""Configurations, runs and their keys."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.trainables.factory import SMALL, run
from trainables.runs import Run


def test_run_key_is_stable_across_versions_of_the_code() -> None:
    # Stored results are found by it: a change here orphans every row ever written.
    assert run().key == "25db27252452e71f"


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "alice"}, {"lam": 0.2}, {"seed": 1}, {"budget": 61}, {"study": "other"},
        {"configuration": SMALL.changed(beta1=0.6)}, {"configuration": SMALL.changed(width=64)},
        {"precision": "bf16"}, {"precision": "tf32"},
    ],
)  # fmt: skip
def test_run_key_changes_with_its_content(changes: dict[str, Any]) -> None:
    assert replace(run(), **changes).key != run().key


def test_run_key_ignores_the_place_in_the_grid_and_the_spelling_of_lambda() -> None:
    assert replace(run(), number=17).key == run().key
    assert replace(run(), lam=-0.0).key == replace(run(), lam=0).key


@pytest.mark.parametrize("algorithm", ["gan", "svae", "aavae:temperature=3"])
def test_runs_of_an_algorithm_without_lambda_are_one_run_whatever_the_lambda(algorithm: str) -> None:
    runs = {run(algorithm, lam=lam) for lam in (0.0, 0.1, 10.0)}
    assert [(one.lam, one.key) for one in runs] == [(0.0, run(algorithm, lam=0.0).key)]
    assert run("svae_r", lam=0.1).key != run("svae_r", lam=10.0).key


def test_keys_that_runs_without_lambda_were_once_stored_under_are_known() -> None:
    # Made at 6230768, where every run had λ in its key.
    assert run("gan").key_at(0.1) == "037b6d0995320a32"
    assert run("gan").key == run("gan").key_at(0.0) == "765b20c78ac94c47"
    assert run("ssvae").key_at(0.1) == run("ssvae").key == "12af1892933bf9be"


def test_run_survives_its_dictionary() -> None:
    assert Run.from_dict(run(seed=3).to_dict()) == run(seed=3)
    assert Run.from_dict(run(precision="bf16").to_dict()).key == run(precision="bf16").key
    older = {name: value for name, value in run().to_dict().items() if name != "precision"}
    assert Run.from_dict(older).key == run().key


def test_algorithms_and_lambdas_of_a_configuration_share_their_streams() -> None:
    assert run("alice", lam=1.0).stream_key == run("svae_r", lam=0.1).stream_key
    assert run(seed=1).stream_key != run(seed=0).stream_key
    assert run(beta1=0.9).stream_key != run().stream_key
    assert run(precision="bf16").stream_key == run().stream_key


def test_run_refuses_a_precision_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="precision must be one of float32, tf32, bf16, got 'fp8'"):
        run(precision="fp8")


@pytest.mark.parametrize("lam", [-0.1, math.nan, math.inf])
def test_run_refuses_lambda_below_zero_or_not_finite(lam: float) -> None:
    with pytest.raises(ValueError, match=r"lambda must be finite and >= 0, got"):
        run(lam=lam)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width must be >= 1, got 0"),
        ({"batch_size": 100}, "batch_size must be a multiple of 32, got 100"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0.0, got 0.0"),
        ({"beta1": 1.0}, "beta1 must be < 1.0, got 1.0"),
        ({"critic_dropout": math.nan}, "critic_dropout must be finite, got nan"),
        ({"depth": 2.5}, "depth must be int, got 2.5"),
    ],
)
def test_configuration_refuses_values_out_of_bounds(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SMALL.changed(**change)
