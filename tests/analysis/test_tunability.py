"""Gains of tuning: the best level against the default, worked out by hand; defaults declared, found, or missing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.importance.tunability import best_on_average, configurations, declared_default, tuned
from analysis.rows import Rows
from analysis.sections.tuning import Tuning
from analysis.statistics.blocks import gains
from result_manifest import Manifest, SchemaError, read_manifest
from sweeps.store.store import Store
from sweeps.study import Study
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, LOG_MSE

Run = Callable[..., dict[str, Any]]
Make = Callable[..., Rows]
# Configuration 0 … 3: depth 2, 3, 2, 3 at rates 1e-4, 1e-4, 1e-3, 1e-3.
SCORES = (3.0, 3.5, 2.5, 4.5)


def grid(run: Run, seeds: int = 1, **changes: Any) -> list[dict[str, Any]]:
    return [
        run("alice", c, seed=s, inception_score=score + 0.1 * (-1) ** s, **changes)
        for c, score in enumerate(SCORES)
        for s in range(seeds)
    ]


def declaring(rows: Rows, **default: Any) -> Rows:
    return dataclasses.replace(rows, manifest=dataclasses.replace(rows.manifest, default=default))


def test_gain_is_the_best_level_alone_and_the_best_of_all(run: Run, study: Make) -> None:
    rows = study(grid(run))
    results = gains(rows, INCEPTION)["alice"][0.1]
    found = tuned(results, configurations(rows), "c0000")
    assert found is not None
    assert found.default == pytest.approx(3.1)
    depth, rate = found.alone["depth"], found.alone["learning_rate"]
    assert depth is not None
    assert rate is not None
    assert found.together is not None
    assert (depth.gain.point, depth.best) == (pytest.approx(0.5), "c0001")
    assert (rate.gain.point, rate.best) == (0.0, "c0000")  # the other rate is worse
    assert (found.together.gain.point, found.together.best) == (pytest.approx(1.5), "c0003")
    assert math.isnan(found.together.gain.low)  # one seed


def test_interval_is_students_of_every_level_against_the_default_at_once(run: Run, study: Make) -> None:
    rows = study(grid(run, seeds=2))
    found = tuned(gains(rows, INCEPTION)["alice"][0.1], configurations(rows), "c0000")
    assert found is not None
    # Seeds ∓0.1 about each mean: variance 4 · 0.02 / 4, error of a difference of means of two √0.02.
    error = math.sqrt(0.02)
    one, all_of = (stats.t.ppf(1 - 0.025 / levels, 4) * error for levels in (1, 3))
    depth, together = found.alone["depth"], found.together
    assert depth is not None
    assert together is not None
    assert (depth.gain.low, depth.gain.high) == (pytest.approx(max(0.5 - one, 0)), pytest.approx(0.5 + one))
    assert (together.gain.low, together.gain.high) == (
        pytest.approx(1.5 - all_of),
        pytest.approx(1.5 + all_of),
    )


def test_levels_that_have_no_run_of_their_own_have_no_gain(run: Run, study: Make) -> None:
    rows = study([r for r in grid(run) if r["configuration"] in (0, 3)])
    found = tuned(gains(rows, INCEPTION)["alice"][0.1], configurations(rows), "c0000")
    assert found is not None
    assert found.alone == {"depth": None, "learning_rate": None}
    assert found.together is not None
    assert "<td>–</td><td>–</td><td>1.50</td>" in made(Tuning, declaring(rows, depth=2)).body


def test_a_diverged_default_gains_without_bound_and_a_diverged_level_nothing(run: Run, study: Make) -> None:
    runs = grid(run, seeds=2)
    runs[0] = run("alice", 0, seed=0, outcome="DIVERGED")
    rows = study(runs)
    results = gains(rows, INCEPTION)["alice"][0.1]
    found = tuned(results, configurations(rows), "c0000")
    assert found is not None
    assert found.together is not None
    assert (found.together.gain.point, math.isnan(found.together.gain.low)) == (math.inf, True)
    other = tuned(results, configurations(rows), "c0001")
    assert other is not None
    depth = other.alone["depth"]
    assert depth is not None
    assert (depth.gain.point, depth.gain.high) == (0.0, 0.0)
    body = made(Tuning, declaring(rows, depth=2, learning_rate=1e-4)).body
    assert "<td>DIVERGED</td><td>∞: 3</td>" in body


def test_a_default_is_the_declared_one_or_the_best_on_average(run: Run, study: Make) -> None:
    runs = [run(a, c, lam, inception_score=score) for a, lam, scores in
            (("alice", 0.1, (1, 4, 3, 2)), ("alice", 1.0, (1, 2, 3, 4)), ("svae_r", 0.1, (2, 1, 3, 4))) for c, score in enumerate(scores)]  # fmt: skip
    rows = study(runs)
    # Ranks of configurations 0 … 3: 1 4 3 2, 1 2 3 4, 2 1 3 4: sums 4, 7, 9, 10.
    assert best_on_average(gains(rows, INCEPTION)) == "c0003"
    assert declared_default(declaring(rows, depth=3, learning_rate=1e-4)) == "c0001"
    assert (
        "best on average over its systems and λ, by mean rank: depth 3, learning_rate 0.001"
        in made(Tuning, rows).body
    )
    assert "The default is the study’s." in made(Tuning, declaring(rows, depth=3)).body


@pytest.mark.parametrize(
    ("runs", "default", "words"),
    [
        (4, {"depth": 7}, "the study’s default is not among its configurations"),
        (1, {}, "all runs are at one configuration"),
    ],
)
def test_what_cannot_be_tuned_is_said(
    run: Run, study: Make, runs: int, default: dict[str, Any], words: str
) -> None:
    assert words in made(Tuning, declaring(study(grid(run)[:runs]), **default)).body


def test_an_mse_is_gained_as_a_factor(run: Run, study: Make) -> None:
    rows = study([run("alice", c, mse_x=[0.4, 0.1, 0.4, 0.4][c]) for c in range(4)])
    found = tuned(gains(rows, LOG_MSE)["alice"][0.1], configurations(rows), "c0000")
    assert found is not None
    assert found.together is not None
    assert found.together.gain.point == pytest.approx(np.log10(4))
    body = made(Tuning, declaring(rows, depth=2, learning_rate=1e-4)).body
    assert "times lower" in body
    assert "<td>0.400</td><td>4.00: 3</td>" in body


def test_a_manifest_carries_a_default_and_one_without_it_reads() -> None:
    manifest = Manifest("toy", {"depth": "int", "rate": "float"}, default={"depth": 2, "rate": 0.1})
    assert Manifest.from_json(manifest.to_json(), "here") == manifest
    text = '{"schema_version": 1, "study": "a", "hyper_parameters": {"depth": "int"}%s}'
    assert Manifest.from_json(text % "", "here").default == {}
    with pytest.raises(SchemaError, match="must be of hyper-parameters"):
        Manifest.from_json(text % ', "default": {"beauty": 1}', "here")


def test_a_store_has_the_default_of_its_study(tmp_path: Path) -> None:
    default = {"depth": 2, "learning_rate": 1e-3}
    Store(str(tmp_path)).create("toy", "?", default=default)
    assert read_manifest(str(tmp_path)).default == default


def test_a_study_declares_a_default_of_its_space() -> None:
    space = {"depth": (2, 3), "width": (32, 64)}
    assert Study("toy", "?", space, ("alice",), default={"depth": 2, "width": 64}).default["width"] == 64
    with pytest.raises(ValueError, match="one of the 4 configurations"):
        Study("toy", "?", space, ("alice",), default={"depth": 2})
    with pytest.raises(ValueError, match="hyper-parameters"):
        Study("toy", "?", space, ("alice",), default={"beauty": 2})
