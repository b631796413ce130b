"""Mean ranks: oracles by hand, and what has no result or no metric."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.comparison.rankings import mean_ranks, rank
from analysis.statistics.blocks import gains
from analysis.statistics.locations import bounded_mean
from tests.analysis.measures import INCEPTION, KL_POSTERIOR, LOG_MSE

DIVERGED = {"outcome": "DIVERGED", "inception_score": None, "mse_x": None}


def points(means):
    return [mean.point for mean in means]


def test_mean_ranks_share_ties_and_put_minus_infinity_last():
    # Ranks 1.5, 1.5, 3 and 3, 1, 2 and, with two at −∞, 1, 2.5, 2.5.
    gains = np.array([[4.0, 4.0, 1.0], [1.0, 3.0, 2.0], [0.0, -np.inf, -np.inf]])
    assert points(mean_ranks(gains, np.arange(3))) == pytest.approx([5.5 / 3, 5 / 3, 7.5 / 3])


def test_mean_ranks_average_the_seeds_of_a_configuration_first():
    # Configuration 0 has three seeds that the first wins, configuration 1 one that it loses: 1 and 2, not 5/4.
    gains = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert points(mean_ranks(gains, np.array([0, 0, 0, 1]))) == [1.5, 1.5]


def test_interval_of_a_mean_rank_lies_within_the_ranks_and_has_a_width_where_all_agree():
    first, _, last = mean_ranks(np.tile([3.0, 2.0, 1.0], (5, 1)), np.arange(5))
    assert (first.point, first.low, last.point, last.high) == (1.0, 1.0, 3.0, 3.0)
    assert 1.2 < first.high < 2
    few = mean_ranks(np.tile([3.0, 2.0, 1.0], (4, 1)), np.arange(4))[0]
    assert (few.point, math.isnan(few.low)) == (1.0, True)


def test_bounded_mean_is_wilsons_where_every_trial_is_a_value():
    # Six values of 1 in 20, of one trial each: t(19) · s/√20 = 2.093 · 0.4702/4.4721 = 0.22005, worth
    # 3.8415 · 0.21/0.22005² = 16.66 trials.
    found = bounded_mean(np.repeat([1.0, 0.0], [6, 14]), 1)
    worth, z = 16.66, 1.96
    half = z * math.sqrt(0.21 / worth + z**2 / (4 * worth**2)) / (1 + z**2 / worth)
    middle = (0.3 + z**2 / (2 * worth)) / (1 + z**2 / worth)
    assert (found.low, found.high) == (
        pytest.approx(middle - half, abs=1e-3),
        pytest.approx(middle + half, abs=1e-3),
    )


def test_rank_is_among_systems_that_have_the_metric(run, study):
    runs = [run(a, i, inception_score=s, mse_x=m) for i in range(3)
            for a, s, m in (("svae_r", 4.0, 0.1), ("alice", 3.0, 0.2), ("gan", 5.0, None))]  # fmt: skip
    rows = study(runs)
    (score,) = rank(gains(rows, INCEPTION), INCEPTION, rows.unit)
    assert (score.unit, score.units, score.left_out) == ("configurations", 3, 0)
    assert {name: mean.point for name, mean in score.mean.items()} == {"gan": 1, "svae_r": 2, "alice": 3}
    assert list(score.mean) == ["gan", "svae_r", "alice"]
    (mse,) = rank(gains(rows, LOG_MSE), LOG_MSE, rows.unit)
    assert {name: mean.point for name, mean in mse.mean.items()} == {"svae_r": 1, "alice": 2}


def test_rank_has_diverged_and_infinite_worst_and_leaves_out_what_a_system_lacks(run, study):
    runs = [
        run(a, i, inception_score=s)
        for i in range(4)
        for a, s in (("svae_r", 4.0), ("alice", 3.0), ("ali", 2.0))
    ]
    runs[0] = run("svae_r", 0, **DIVERGED)  # ranks 3, 1, 2
    runs[3] = run("svae_r", 1, inception_score=-math.inf)  # 3, 1, 2
    runs[6] = run("svae_r", 2, outcome="FAILED", inception_score=None, mse_x=None)
    del runs[-1]  # ALI still lacks configuration 3
    rows = study(runs)
    (found,) = rank(gains(rows, INCEPTION), INCEPTION, rows.unit)
    assert (found.units, found.left_out) == (2, 2)
    assert {name: mean.point for name, mean in found.mean.items()} == {"alice": 1, "ali": 2, "svae_r": 3}


def test_rank_takes_seeds_of_one_configuration_and_every_lambda_that_two_systems_have(run, study):
    runs = [
        run(a, 0, lam, seed) for a in ("svae_r", "alice", "ali") for lam in (0.1, 1.0) for seed in range(5)
    ]
    rows = study(
        [
            *runs,
            run("ali", 0, 7.0),
            *(run("alice", 0, 9.0, seed=s) for s in (0, 1)),
            run("ali", 0, 9.0, seed=2),
        ]
    )
    found = rank(gains(rows, INCEPTION), INCEPTION, rows.unit)
    assert [(one.lam, one.unit, one.units) for one in found] == [
        (0.1, "seeds", 5),
        (1.0, "seeds", 5),
        (9.0, "seeds", 0),
    ]
    assert (found[-1].systems, found[-1].mean, found[-1].left_out) == (("alice", "ali"), {}, 3)
    assert points(found[0].mean.values()) == [2, 2, 2]


def test_rank_of_a_metric_of_which_less_is_better(run, study):
    runs = [
        run(a, i, kl_posterior=k)
        for i in range(2)
        for a, k in (("vae", 0.3), ("avb", 0.1), ("aavae", math.inf))
    ]
    rows = study(runs)
    (found,) = rank(gains(rows, KL_POSTERIOR), KL_POSTERIOR, rows.unit)
    assert list(found.mean) == ["avb", "vae", "aavae"]
