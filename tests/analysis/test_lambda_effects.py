"""Statistics along λ against values derived by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.comparison import trends
from analysis.comparison.trade_off import Finding, claim, enough
from analysis.comparison.verdicts import Family
from analysis.sections.along_lambda import range_cells
from analysis.statistics.estimates import generator, holm
from tests.analysis.measures import INCEPTION, MSE


def test_by_lambda_takes_the_median_over_seeds_with_divergence_worst(study, run):
    runs = [run("alice", 0, 1.0, seed, mse_x=value) for seed, value in enumerate((0.3, 0.1))]
    runs += [run("alice", 0, 1.0, 2, outcome="DIVERGED")]  # 0.1, 0.3, ∞
    runs += [run("alice", 1, 1.0, seed, outcome="DIVERGED") for seed in range(2)]
    runs += [run("alice", 1, 0.0, 0, mse_x=2.0), run("alice", 2, 0.0, 0, outcome="FAILED")]
    table = trends.by_lambda(study(runs), "alice", MSE)
    assert table.columns.tolist() == [0.0, 1.0]
    np.testing.assert_array_equal(table.to_numpy(), [[np.nan, 0.3], [2.0, np.inf]])


def test_seeds_are_the_rows_of_a_study_with_one_configuration(study, run):
    runs = [
        run(name, 0, lam, seed, mse_x=0.1 / (1 + lam), inception_score=4.0 - 0.1 * seed - lam)
        for name in ("svae_r", "alice")
        for lam in (0.1, 0.5, 1.0)
        for seed in range(3)
    ]
    found = study(runs)
    assert trends.by_lambda(found, "alice", INCEPTION).index.tolist() == [0, 1, 2]
    first = claim(found, "svae_r", "alice", Family(1)).first
    assert first.configurations == 3
    assert (first.generation.point, first.reconstruction.point) == (-1.0, 1.0)


def test_trends_are_kendalls_tau_of_order_alone():
    table = np.array([
        [1.0, 2.0, 3.0, 4.0],
        [4.0, 3.0, 1.0, -np.inf],
        [1.0, 3.0, 2.0, 4.0],  # one of six pairs is reversed: (5 − 1) / 6
        [2.0, 2.0, 2.0, 2.0],
        [1.0, np.nan, np.nan, 2.0],
    ])  # fmt: skip
    np.testing.assert_allclose(trends.trends(table), [1, -1, 4 / 6, 0, np.nan])


@pytest.mark.parametrize(
    ("medians", "better", "expected"),
    [
        # 5 is best; 4.8 is within 5 %, 4.7 is not; the 4.9 beyond it is not joined to the best.
        ([4.9, 4.7, 4.8, 5.0], +1, (1.0, 5.0, 0.1, 1.0, 1.0)),
        # 0.10 is best; 0.104 within 5 %; λ = 0 adds no decade.
        ([0.104, 0.103, 0.10, 0.2], -1, (0.1, 0.10, 0.0, 0.1, 1.0)),
        ([5.0, 1.0, 1.0, 1.0], +1, (0.0, 5.0, 0.0, 0.0, 0.0)),
        ([np.inf, np.inf, 0.3, np.inf], -1, (0.1, 0.3, 0.1, 0.1, 0.0)),
    ],
)
def test_good_range_is_unbroken_about_the_best(medians, better, expected):
    found = trends.good_range(
        np.array([medians, medians]), np.array([0.0, 0.01, 0.1, 1.0]), better, generator("test")
    )
    assert (found.best, found.value, found.low, found.high, found.width.point) == pytest.approx(expected)
    assert found.width.low == found.width.high == pytest.approx(expected[-1])  # resamples are all alike


def test_good_range_interval_covers_what_configurations_disagree_on():
    # Half of the configurations are best everywhere, half at one λ alone.
    table = np.array([[5.0, 5.0, 5.0]] * 10 + [[5.0, 1.0, 1.0]] * 10)
    width = trends.good_range(table, np.array([0.1, 1.0, 10.0]), +1, generator("test")).width
    assert (width.low, width.high) == (0.0, 2.0)


def test_ranges_are_given_while_every_configuration_still_waits_for_a_run(study, run):
    # Each configuration lacks one λ; the median of what is there is best at λ = 10 for the score, everywhere for MSE.
    runs = [run("alice", i, lam, inception_score=3 + place) for i in range(3)
            for place, lam in enumerate((0.1, 1.0, 10.0)) if place != i]  # fmt: skip
    _, cells = range_cells(study(runs))
    assert [line[2:5] for line in cells] == [["0.1", "0.100", "0.1 – 10"], ["10", "5.00", "10"]]


def test_good_range_refuses_a_metric_that_is_nowhere_finite():
    with pytest.raises(ValueError, match="finite at one λ at least"):
        trends.good_range(np.full((2, 2), np.inf), np.array([0.1, 1.0]), -1, generator("test"))


def test_pareto_keeps_what_nothing_dominates():
    cost = np.array([1.0, 2.0, 2.0, 3.0, 1.0, np.nan])
    gain = np.array([4.0, 5.0, 4.5, 5.0, 4.0, 9.0])
    assert trends.pareto(cost, gain).tolist() == [True, True, False, False, True, False]


def test_holm_multiplies_the_smallest_p_by_their_number_and_is_monotone():
    # Sorted 0.01, 0.03, 0.04 with factors 3, 2, 1: 0.03, 0.06, max(0.06, 0.04).
    assert holm([0.04, np.nan, 0.01, 0.03]) == pytest.approx([0.06, np.nan, 0.03, 0.06], nan_ok=True)
    assert holm([]) == []


def sweep(study, run, score):
    """Twelve configurations over λ = 0, 0.1, 1, 10: MSE falls with λ, the inception score as `score` says."""
    return study([
        run(a, i, lam, mse_x=1 / (1 + place) + 0.01 * i, inception_score=score(a, place, i))
        for a in ("svae_r", "alice") for i in range(12) for place, lam in enumerate((0.0, 0.1, 1.0, 10.0))
    ])  # fmt: skip


def test_claim_holds_where_one_system_pays_and_the_other_does_not(study, run):
    def score(algorithm, place, i):
        return 4 - 0.5 * place if algorithm == "alice" else 3 + 0.1 * place * (-1) ** i

    # From λ = 0.1 to 10 ALICE's score falls by 1; sVAE-r's changes by ±0.2: nothing of interest where that is 0.5.
    rows = sweep(study, run, score)
    found = claim(rows, "svae_r", "alice", Family(5, {"inception_score": 0.5}))
    assert (found.second.trades, found.first.trades, found.finding) == (
        Finding.HOLDS,
        Finding.FAILS,
        Finding.HOLDS,
    )
    assert found.second.score.location.interval.point == pytest.approx(-1.0)
    # Of a smaller difference of interest the same rows do not tell whether sVAE-r's score falls by it.
    finer = claim(rows, "svae_r", "alice", Family(5, {"inception_score": 0.1}))
    assert (finer.first.trades, finer.finding) == (Finding.UNDECIDED, Finding.UNDECIDED)
    assert found.first.reconstruction.point == found.second.reconstruction.point == pytest.approx(1.0)


def test_claim_does_not_hold_where_neither_or_both_pay(study, run):
    both = claim(sweep(study, run, lambda a, place, i: 4 - place), "svae_r", "alice", Family(5))
    neither = claim(sweep(study, run, lambda a, place, i: 1 + place), "svae_r", "alice", Family(5))
    assert (both.finding, both.first.trades, both.second.trades) == (
        Finding.FAILS,
        Finding.HOLDS,
        Finding.HOLDS,
    )
    assert (neither.finding, neither.first.trades, neither.second.trades) == (Finding.FAILS,) * 3


@pytest.mark.parametrize("configurations", [2, 6, 12, 24])
def test_claim_is_never_easier_to_get_with_fewer_configurations(study, run, configurations):
    """Both trade, noisily: not to have shown it of the first is no sign that it does not."""
    rng = np.random.default_rng(configurations)
    rows = study([
        run(a, i, lam, mse_x=0.1 / lam, inception_score=4 - 0.3 * np.log10(lam) + 1.5 * rng.normal())
        for a in ("svae_r", "alice") for i in range(configurations) for lam in (0.1, 1.0, 10.0)
    ])  # fmt: skip
    assert claim(rows, "svae_r", "alice", Family(5)).finding is not Finding.HOLDS


def test_claim_compares_the_pairs_that_both_have(study, run):
    """Equal rows, but for a λ that one system has not reached: no difference."""
    scores = {0.1: 4.5, 1.0: 4.6, 10.0: 4.7, 100.0: 2.0}
    runs = [
        run(a, i, lam, inception_score=score)
        for a in ("svae_r", "alice") for i in range(12) for lam, score in scores.items()
        if a == "svae_r" or lam < 100 or i < 2
    ]  # fmt: skip
    interval = claim(study(runs), "svae_r", "alice", Family(5)).difference.location
    assert (interval.units, interval.interval.point) == (2, 0.0)


def test_claim_needs_three_lambdas_at_which_systems_reconstruct(study, run):
    def with_lambdas(*lambdas):
        return study([run("alice", 0, lam) for lam in lambdas])

    assert enough(with_lambdas(0.1, 1.0, 10.0))
    assert not enough(with_lambdas(0.0, 0.01, 0.1, 1.0))


def test_trends_count_a_divergence_as_the_worst(study, run):
    runs = [
        run("alice", i, lam, mse_x=0.1, inception_score=4.0 + lam) for i in range(3) for lam in (0.1, 1.0)
    ]
    runs += [run("alice", i, 10.0, outcome="DIVERGED") for i in range(3)]
    table = trends.by_lambda(study(runs), "alice", INCEPTION).to_numpy(float)
    np.testing.assert_allclose(trends.trends(table), -1 / 3)  # up, down, down


def test_claim_compares_the_seeds_that_both_have(study, run):
    runs = [
        run(a, i, lam, inception_score=4.5)
        for a in ("svae_r", "alice")
        for i in range(12)
        for lam in (0.1, 1.0, 10.0)
    ]
    # A second seed that one system has at one λ alone moves that system's median there, and not the difference.
    runs += [run("svae_r", i, 10.0, 1, inception_score=1.0) for i in range(12)]
    found = claim(study(runs), "svae_r", "alice", Family(5))
    assert found.first.score.location.interval.point == pytest.approx(-1.75)
    assert (found.difference.location.units, found.difference.location.interval.point) == (12, 0.0)
