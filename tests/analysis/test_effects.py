"""Importance of factors against analyses of variance worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.importance.effects import causes, effects, factors, main_effects
from analysis.importance.shares import residual_interval, share_interval
from analysis.statistics.estimates import Interval
from analysis.statistics.linear_models import RESIDUAL
from tests.analysis.measures import INCEPTION, MSE

LEVELS = list(itertools.product((2, 3), (1e-4, 1e-3), ("alice", "svae_r")))


def factorial(run, value, replications=2):
    """A full 2 × 2 × 2 factorial of depth, learning rate and algorithm; `value(depth, rate, algorithm, seed)`."""
    return pd.DataFrame([
        run(a, i, seed=seed, depth=depth, learning_rate=rate, **value(depth, rate, a, seed))
        for i, (depth, rate, a) in enumerate(LEVELS) for seed in range(replications)
    ])  # fmt: skip


def test_effects_are_shares_of_the_ranks_sum_of_squares(run):
    # Ranks 1 … 16 in the order depth, rate, algorithm, seed: 16 · 255 / 12 = 340 in all. Means of the two levels of
    # depth are 4 from the middle: 16 · 16 = 256; of the rate 2: 64; of the algorithm 1: 16; seeds ½: 4.
    order = {level: 2 * place for place, level in enumerate(LEVELS)}
    runs = factorial(run, lambda *at: {"inception_score": 1 + 0.1 * (order[at[:3]] + at[3])})
    found = effects(runs, ["depth", "learning_rate", "algorithm"], INCEPTION)
    shares = {effect.term: effect.share for effect in found}
    assert len(shares) == 7
    assert shares["depth",] == pytest.approx(256 / 340)
    assert shares["learning_rate",] == pytest.approx(64 / 340)
    assert shares["algorithm",] == pytest.approx(16 / 340)
    assert [e.term for e in found[:3]] == [("depth",), ("learning_rate",), ("algorithm",)]
    assert shares[RESIDUAL] == pytest.approx(4 / 340)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(np.isnan(effect.interval.low) for effect in found)  # of eight configurations
    assert shares["depth", "algorithm"] == pytest.approx(0, abs=1e-12)


def test_effects_find_an_interaction_that_has_no_main_effect(run):
    runs = factorial(run, lambda depth, rate, a, seed: {
        "mse_x": 1 + ((depth == 2) == (a == "alice")) + 0.01 * seed + 0.001 * (rate > 5e-4)})  # fmt: skip
    found = effects(runs, ["depth", "learning_rate", "algorithm"], MSE)
    assert found[0].term == ("depth", "algorithm")
    assert all(np.isnan(e.p) == (len(e.term) != 1) for e in found)  # an interaction of ranks has no p
    # Eight ranks above the middle and eight below it, 4 away on average: 16 · 16 of 340, less ½ for each of 8 ties.
    assert found[0].share == pytest.approx(256 / 336)


def test_effects_count_a_divergence_as_the_worst_rank(run):
    # One half of the runs is equal, one half DIVERGED: mean ranks 4.5 and 12.5, nothing else varies.
    runs = factorial(run, lambda depth, *_: {"outcome": "DIVERGED", "mse_x": np.nan} if depth == 3 else {})
    found = effects(runs, ["depth", "learning_rate", "algorithm"], MSE)
    assert found[0].term == ("depth",)
    assert found[0].share == pytest.approx(1)


def test_effects_are_none_where_terms_cannot_be_told_apart_or_nothing_varies(run):
    names = ["depth", "learning_rate", "algorithm"]
    confounded = factorial(run, lambda *at: {"inception_score": 1 + at[3] + at[0]})
    confounded["learning_rate"] = confounded["depth"] / 1000
    assert effects(confounded, names, INCEPTION) == []
    assert effects(factorial(run, lambda *_: {}), names, INCEPTION) == []
    assert effects(confounded.iloc[:0], [], INCEPTION) == []


def test_effects_are_none_where_rows_without_a_result_leave_a_factor_with_one_level(run):
    runs = pd.DataFrame([
        run("alice", i, depth=2, inception_score=1.0 + i) for i in range(4)
    ] + [run("alice", 9, depth=3, outcome="FAILED")])  # fmt: skip
    assert factors(runs, ["depth"]) == ["depth"]
    assert effects(runs, ["depth"], INCEPTION) == []


def test_factors_are_what_varies(run):
    assert factors(factorial(run, lambda *_: {}), ["depth", "learning_rate"]) == [
        "depth",
        "learning_rate",
        "algorithm",
    ]
    only = pd.DataFrame([run("alice", i, lam) for i in range(2) for lam in (0.1, 1.0)])
    assert factors(only, ["depth"]) == ["depth", "lam"]


def test_a_hyper_parameter_of_one_part_alone_is_a_factor_where_that_part_has_several_values_of_it() -> None:
    runs = pd.DataFrame(
        {
            "encoder": ["mlp", "mlp", "my_nets:Convolutional", "my_nets:Convolutional"],
            "lam": 0.1,
            "algorithm": "alice",
        }
    )
    assert factors(runs.assign(channels=["–", "–", "8", "8"]), ["encoder", "channels"]) == ["encoder"]
    assert factors(runs.assign(channels=["–", "–", "8", "16"]), ["encoder", "channels"]) == [
        "encoder",
        "channels",
    ]


def test_causes_name_the_factor_and_level_that_diverge(run):
    runs = factorial(
        run,
        lambda depth, rate, a, seed: {"outcome": "DIVERGED" if rate > 5e-4 and seed else "COMPLETED"},
        replications=10,
    )
    found = causes(runs, ["depth", "learning_rate", "algorithm"])
    assert (found[0].factor, found[0].worst, found[0].diverged, found[0].results) == (
        "learning_rate",
        "0.001",
        36,
        40,
    )

    # Two binomials, 36 of 40 and 0 of 40, against 36 of 80: the deviance is that of the margins.
    def deviance(k, n):
        return -2 * sum(c * np.log(c / n) for c in (k, n - k) if c)

    assert found[0].deviance == pytest.approx(deviance(36, 80) - deviance(36, 40), rel=1e-3)


@pytest.mark.parametrize("outcome", ["COMPLETED", "DIVERGED"])
def test_causes_are_none_where_all_runs_end_alike(run, outcome):
    assert causes(factorial(run, lambda *_: {"outcome": outcome}), ["depth"]) == []


def test_main_effects_take_seeds_for_no_independent_facts(run):
    # Eight configurations of twenty seeds each differ by chance alone, and much: the depth of half of them explains nothing.
    rng = np.random.default_rng(3)
    level = rng.normal(size=8)
    runs = pd.DataFrame([
        run("alice", i, seed=seed, depth=2 + i % 2, inception_score=3 + level[i] + 0.1 * rng.normal())
        for i in range(8) for seed in range(20)
    ])  # fmt: skip
    found, residual = sorted(
        effects(runs, ["depth"], INCEPTION), key=lambda effect: effect.term, reverse=True
    )
    assert residual.term == RESIDUAL
    # Two groups of four means of ranks.
    ranks = stats.rankdata(runs["inception_score"])
    means = pd.Series(ranks).groupby(runs["configuration_key"]).mean().to_numpy()
    assert found.p == pytest.approx(stats.ttest_ind(means[::2], means[1::2]).pvalue)
    assert found.p > 0.05


def test_main_effects_of_algorithm_and_lambda_are_against_how_they_differ_between_configurations(run):
    rng = np.random.default_rng(4)
    runs = pd.DataFrame([
        run(a, i, lam, inception_score=3 + rng.normal() + (a == "alice"))
        for a in ("svae_r", "alice") for i in range(6) for lam in (0.1, 1.0)
    ])  # fmt: skip
    values = runs["inception_score"].to_numpy(float)
    found = main_effects(runs, ["lam", "algorithm"], values)
    table = runs.groupby(["configuration_key", "algorithm"])["inception_score"].mean().unstack()
    assert found["algorithm"] == pytest.approx(
        2 * stats.ttest_rel(table["alice"], table["svae_r"]).pvalue
    )  # Holm: × 2
    # A missing run leaves no effect of the λ that it was at.
    shifted = runs.assign(inception_score=np.where(runs["lam"] == 1.0, 100.0, 0.0)).iloc[:-1]
    assert (
        main_effects(shifted, ["lam", "algorithm"], shifted["inception_score"].to_numpy(float))["algorithm"]
        == 1.0
    )


def test_main_effects_at_one_lambda_take_seeds_for_no_independent_facts(run):
    # Configurations differ by chance, as much as seeds do; no hyper-parameter explains it at any λ.
    rng, found = np.random.default_rng(5), []
    for _ in range(40):
        level = rng.normal(size=(2, 24))
        runs = pd.DataFrame([
            run("alice", i, lam, seed, depth=2 + i % 2, learning_rate=[1e-4, 1e-3][i // 2 % 2], inception_score=level[j, i] + rng.normal())
            for j, lam in enumerate((0.1, 1.0)) for i in range(24) for seed in range(5)
        ])  # fmt: skip
        for lam in (0.1, 1.0):
            own = effects(runs[runs["lam"] == lam], ["depth", "learning_rate", "lam", "algorithm"], INCEPTION)
            assert {name for effect in own for name in effect.term} == {"depth", "learning_rate"}
            found.append(min(effect.p for effect in own if len(effect.term) == 1) <= 0.05)
    assert np.mean(found) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)


def without_groups(share, moved):
    """A share and itself without each of 24 groups, of which one moves it."""
    return np.array([share, share + moved, *[share] * 23])


def test_interval_of_a_share_is_of_a_square_and_its_noise():
    # The jackknife's error is 0.04 · 23 / 24, of the root over 2 √0.3. Of one square: normal about the root, to 1 part in 100.
    found = share_interval(without_groups(0.3, 0.04), 1)
    half = stats.t.ppf(0.975, 23) * 0.04 * 23 / 24 / (2 * np.sqrt(0.3))
    assert found.point == 0.3
    assert found.low == pytest.approx((np.sqrt(0.3) - half) ** 2, rel=0.01)
    assert found.high == pytest.approx((np.sqrt(0.3) + half) ** 2, rel=0.01)
    # Of nine squares what noise adds is taken off: nine times that of one.
    of_nine = share_interval(without_groups(0.3, 0.04), 9)
    assert of_nine.low < found.low
    assert 0.3 < of_nine.high < found.high


def test_interval_of_a_share_that_noise_may_add_up_to_reaches_to_0():
    assert share_interval(without_groups(0.01, 0.02), 1).low == 0
    assert share_interval(np.zeros(25), 1) == Interval(0.0, 0.0, 0.0)


def test_interval_of_the_residual_is_of_what_it_is_without_the_noise_that_terms_take_up():
    # Adjusted by 1.5 it is 0.3, and 0.3 · e^0.04 without one group.
    found = residual_interval(np.array([0.2, 0.2 * np.exp(0.04), *[0.2] * 23]), np.full(25, 1.5))
    factor = np.exp(stats.t.ppf(0.975, 23) * 0.04 * 23 / 24)
    assert (found.point, found.low, found.high) == (0.2, 0.2, pytest.approx(0.3 * factor))


def test_there_is_no_interval_of_a_share_where_a_group_is_missing():
    assert np.isnan(share_interval(np.array([0.3, np.nan]), 1).low)
    assert np.isnan(residual_interval(np.array([0.3]), np.ones(1)).high)


def test_shares_have_intervals_from_24_configurations_up(run):
    rng = np.random.default_rng(0)
    for count, there in ((23, False), (24, True)):
        runs = pd.DataFrame([run("alice", i, depth=2 + i % 2, inception_score=3 + i % 2 + rng.normal()) for i in range(count)])  # fmt: skip
        assert [np.isfinite(e.interval.low) for e in effects(runs, ["depth"], INCEPTION)] == [there] * 2


def test_a_factor_whose_other_levels_have_failed_alone_is_no_cause(run):
    runs = factorial(run, lambda place, *_: {"outcome": "DIVERGED"} if place % 3 == 0 else {})
    odd = run("alice", 999, outcome="FAILED", depth=9, learning_rate=runs["learning_rate"].iloc[0])
    runs = runs.assign(note="usual")
    runs = pd.concat([runs, pd.DataFrame([odd | {"note": "odd"}])], ignore_index=True)
    names = [cause.factor for cause in causes(runs, ["depth", "note"])]
    assert names == ["depth"]
