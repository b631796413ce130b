"""Failures by a study's limits, and survival curves with their bands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis.fragility.statistics import Ordered
from analysis.fragility.survival import ANY, band, failures, survivals
from analysis.rows import Rows
from analysis.sections.failures import Failures, own_cells, paired_cells, sentences
from analysis.statistics import estimates
from result_manifest import AT_LEAST, AT_MOST, Bound, Target
from tests.analysis.made import made

Run = Callable[..., dict[str, Any]]
Study = Callable[..., Rows]

LIMITS: Target = (Bound("inception_score", AT_LEAST, 4.0), Bound("mse_x", AT_MOST, 0.1))


def limited(study: Rows, limits: Target = LIMITS) -> Rows:
    return dataclasses.replace(study, manifest=dataclasses.replace(study.manifest, limits=limits))


def some(run: Run, lam: float = 0.1) -> list[dict[str, Any]]:
    """Rows of 20 configurations: sVAE-r's all stand; of ALICE's 5 lose modes, 4 others do not reconstruct and one DIVERGED."""
    rows = [
        run("svae_r", c, lam, inception_score=4.0, mse_x=0.1) for c in range(20)
    ]  # a limit itself is kept
    rows += [run("alice", c, lam, inception_score=3.9 if c < 5 else 4.5, mse_x=0.2 if 5 <= c < 9 else 0.05)
             for c in range(19)]  # fmt: skip
    return [*rows, run("alice", 19, lam, outcome="DIVERGED")]


def test_a_run_fails_by_each_bound_that_it_misses_and_a_divergence_by_all(run: Run, study: Study) -> None:
    found = {one.kind: one for one in failures(limited(study(some(run))))}
    assert {kind: one.own["alice"].point for kind, one in found.items()} == {
        ANY: pytest.approx(10 / 20), "inception score below 4": pytest.approx(6 / 20), "MSE above 0.1": pytest.approx(5 / 20),
    }  # fmt: skip
    assert all(one.own["svae_r"].point == 0 for one in found.values())
    assert found[ANY].differences["svae_r", "alice"].point == pytest.approx(-0.5)
    # Wilson's of a half of 19 with Student's t of 19, 2.093: ½ ± 2.093 √(¼/19 + 2.093²/(4·19²)) / (1 + 2.093²/19).
    share = found[ANY].own["alice"]
    assert (share.low, share.high) == pytest.approx((0.5 - 0.2164, 0.5 + 0.2164), abs=1e-4)


def test_best_lambda_is_where_a_system_fails_least(run: Run, study: Study) -> None:
    rows = [*some(run), *(run(name, c, 1.0, inception_score=3.0 if name == "svae_r" else 4.5, mse_x=0.05)
                          for name in ("svae_r", "alice") for c in range(20))]  # fmt: skip
    found = failures(limited(study(rows)))
    best = [one for one in found if one.best]
    assert [dict(one.lams) for one in best] == [{"svae_r": 0.1, "alice": 1.0}] * 3
    assert best[0].own["alice"].point == 0
    words = next(sentences(found))
    assert words.startswith(
        "Failed, at the best λ of each system (sVAE-r 0.1, ALICE 1): 0.0 % [0.0, 16.1] of sVAE-r’s"
    )
    header, cells = own_cells(found)
    assert header[3:] == [ANY, "inception score below 4", "MSE above 0.1"]
    assert [line[:3] for line in cells] == [["0.1", "sVAE-r", "20"], ["0.1", "ALICE", "20"],
                                            ["1", "sVAE-r", "20"], ["1", "ALICE", "20"]]  # fmt: skip
    assert [line[0] for line in paired_cells(found)[1]] == ["0.1", "1", "best: 0.1, 1"]


def test_system_without_a_metric_cannot_fail_by_it(run: Run, study: Study) -> None:
    rows = [*some(run), *(run("gan", c, mse_x=None, mse_z=None, inception_score=3.0) for c in range(20))]
    found = {one.kind: one for one in failures(limited(study(rows)))}
    assert found["inception score below 4"].own["gan"].point == 1
    assert found["MSE above 0.1"].own.keys() == {"svae_r", "alice"}


def test_one_system_has_failures_and_nothing_to_compare_with(run: Run, study: Study) -> None:
    alone = limited(study([row for row in some(run) if row["algorithm"] == "alice"]))
    assert [one.differences for one in failures(alone)] == [{}] * 3
    assert "Survival curves" in made(Failures, alone).body


def test_study_without_limits_or_with_few_configurations_has_no_such_section(run: Run, study: Study) -> None:
    assert not made(Failures, study(some(run))).body
    few = study([run(name, c) for name in ("svae_r", "alice") for c in range(9)])
    assert not made(Failures, limited(few)).body


def test_survival_is_the_share_that_is_at_least_as_good(run: Run, study: Study) -> None:
    score, error = survivals(limited(study(some(run))))
    for one, value, share in (
        (score, 3.9, 19),
        (score, 4.0, 14),
        (score, 4.5, 14),
        (error, 0.05, 15),
        (error, 0.1, 15),
        (error, 0.2, 19),
    ):
        place = int(np.argmin(np.abs(one.values - value)))
        assert one.values[place] == pytest.approx(value)
        assert one.curves["alice"][0, place] == pytest.approx(share / 20)  # the DIVERGED run never is
    for one in (score, error):
        share, low, high = one.curves["alice"]
        assert (low <= share).all()
        assert (share <= high).all()
        assert one.limit.value in one.values


@pytest.mark.parametrize("seeds", [1, 3])
def test_band_holds_the_whole_curve_about_as_often_as_it_says(seeds: int) -> None:
    # Values of a configuration's seeds share its effect: N(0, 1) + N(0, ½²), whose survival at t is 1 − Φ(t / √1.25).
    rng = np.random.default_rng(0)
    thresholds = np.linspace(-3, 3, 31)
    many = np.sort(rng.normal(size=400_000) * 1.25**0.5)
    truth = 1 - np.searchsorted(many, thresholds) / len(many)
    units = np.repeat(np.arange(60), seeds)
    held = 0
    for repeat in range(100):
        values = rng.normal(size=60)[units] + 0.5 * rng.normal(size=len(units))
        _, low, high = band(
            Ordered(values, units, -np.inf), thresholds, 60, estimates.generator("band", repeat)
        )
        held += bool(((low <= truth) & (truth <= high)).all())
    assert 0.9 <= held / 100 <= 1
