"""Oracle tests of the estimates: every expected number is derived by hand beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis import estimates
from analysis.resampling import means, medians


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_wilson_is_the_score_interval():
    # k = 1, n = 4, z = 1.959964, z2 = 3.841459: centre (0.25 + z2/8) / (1 + z2/4) = 0.7301824/1.9603647 = 0.3724727;
    # half = z sqrt(0.25*0.75/4 + z2/64) / 1.9603647 = 1.959964 * sqrt(0.046875 + 0.0600228) / 1.9603647 = 0.3268852
    found = estimates.wilson(1, 4)
    assert found.point == 0.25
    assert found.low == pytest.approx(0.0455875, abs=1e-6)
    assert found.high == pytest.approx(0.6993579, abs=1e-6)


def test_wilson_keeps_zero_as_low_bound_when_nothing_diverged():
    # k = 0: the upper bound is z2 / (n + z2) = 3.841459 / 13.841459 = 0.2775328
    found = estimates.wilson(0, 10)
    assert found.point == 0
    assert found.low == pytest.approx(0, abs=1e-12)
    assert found.high == pytest.approx(0.2775328, abs=1e-6)


def test_wilson_is_nan_when_there_are_no_runs():
    assert math.isnan(estimates.wilson(0, 0).point)


def test_wilson_refuses_a_count_above_the_total():
    with pytest.raises(ValueError, match=r"\[0, 3\].*got 4"):
        estimates.wilson(4, 3)


def test_mean_and_std_divide_by_n_minus_one():
    # mean 4; squares 4 + 0 + 4 = 8; 8 / 2 = 4; root 2
    assert estimates.mean_and_std(np.array([2.0, 4.0, 6.0])) == (4.0, 2.0)


def test_mean_and_std_have_no_std_when_there_is_one_value():
    mean, std = estimates.mean_and_std(np.array([2.0]))
    assert mean == 2.0
    assert math.isnan(std)


def test_quartiles_interpolate():
    # positions 0.25*3 = 0.75 and 2.25 of 1, 2, 3, 4
    assert estimates.quartiles(np.array([4.0, 1.0, 3.0, 2.0])) == (1.75, 3.25)


def test_cluster_means_average_the_seeds_of_each_configuration():
    # a: (1 + 3) / 2 = 2; b: 10
    found = estimates.cluster_means(np.array([1.0, 10.0, 3.0]), ["a", "b", "a"])
    assert found.tolist() == [2.0, 10.0]


def test_clustered_median_has_all_resamples_of_two_clusters_as_bounds():
    # Two configurations, 0 and 1: a resample's median is 0, 0.5 or 1 with probability 1/4, 1/2, 1/4,
    # so the 2.5 % and 97.5 % points of the bootstrap are 0 and 1.
    found = estimates.clustered_median(np.array([0.0, 1.0]), ["a", "b"], rng())
    assert (found.point, found.low, found.high) == (0.5, 0.0, 1.0)


def test_clustered_median_resamples_configurations_not_seeds():
    # Twenty seeds that agree within each of two configurations tell no more than one seed of each.
    values, clusters = np.repeat([0.0, 1.0], 20), np.repeat(["a", "b"], 20)
    found = estimates.clustered_median(values, clusters, rng())
    assert (found.low, found.high) == (0.0, 1.0)


def test_clustered_median_takes_unequal_numbers_of_seeds():
    # Resamples (a, a): 1 1 1 1 -> 1; (a, b): 1 1 5 -> 1; (b, b): 5 5 -> 5
    found = estimates.clustered_median(np.array([1.0, 5.0, 1.0]), ["a", "b", "a"], rng())
    assert (found.point, found.low, found.high) == (1.0, 1.0, 5.0)


@pytest.mark.parametrize("values", [[], [3.0]])
def test_clustered_median_has_no_interval_when_there_is_less_than_two_configurations(values):
    found = estimates.clustered_median(np.array(values), ["a"] * len(values), rng())
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.point == 3.0 or not values


def test_bca_of_a_mean_is_close_to_the_normal_interval_when_values_are_symmetric():
    # -50..50 over 50: mean 0, std = sqrt(101^2 - 1)/12)/50 = 29.155/50 = 0.5831; 1.96 * 0.5831/sqrt(101) = 0.1137
    found = estimates.bca(np.arange(-50, 51) / 50, means, rng())
    assert found.point == pytest.approx(0, abs=1e-12)
    assert found.low == pytest.approx(-0.1137, abs=0.006)
    assert found.high == pytest.approx(0.1137, abs=0.006)


def test_bca_shifts_towards_the_long_tail():
    # Exponential quantiles: skewed to the right, so the upper arm must be the longer one.
    found = estimates.bca(-np.log(1 - (np.arange(40) + 0.5) / 40), means, rng())
    assert found.high - found.point > found.point - found.low > 0


@pytest.mark.parametrize("statistic", [means, medians])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
def test_bca_is_the_point_when_all_differences_are_identical(statistic, value):
    found = estimates.bca(np.full(7, value), statistic, rng())
    assert found.low == found.high == found.point == pytest.approx(value)


def test_bca_falls_back_to_percentiles_when_its_jackknife_does_not_vary():
    # Leaving out any one of these does not move the median, so the acceleration is 0/0.
    found = estimates.bca(np.array([0.0] * 9 + [1.0] * 2), medians, rng())
    assert found.low == 0.0
    assert not math.isnan(found.high)


@pytest.mark.parametrize("values", [[], [3.0]])
def test_bca_has_no_interval_when_there_is_less_than_two_values(values):
    found = estimates.bca(np.array(values), means, rng())
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_signed_rank_p_is_exact_for_few_pairs():
    # All five differences positive: 2 of the 2^5 sign patterns are as extreme, 2/32
    assert estimates.signed_rank_p(np.array([1.0, 2.0, 3.0, 4.0, 5.5])) == pytest.approx(2 / 32)


def test_signed_rank_p_of_one_pair_is_one():
    assert estimates.signed_rank_p(np.array([2.0])) == 1.0


def test_signed_rank_p_is_one_when_all_differences_are_zero():
    assert estimates.signed_rank_p(np.zeros(4)) == 1.0


def test_signed_rank_p_is_nan_when_there_is_no_pair():
    assert math.isnan(estimates.signed_rank_p(np.array([])))


def test_sign_test_p_doubles_the_tail():
    # 1 of 8: (1 + 8) / 256 * 2 = 18/256
    assert estimates.sign_test_p(1, 7) == pytest.approx(18 / 256)
    assert estimates.sign_test_p(0, 0) == 1.0


def test_interval_excludes_only_what_lies_outside():
    assert estimates.Interval(1.0, 0.5, 2.0).excludes(0)
    assert not estimates.Interval(1.0, -0.5, 2.0).excludes(0)
    assert not estimates.Interval(1.0, math.nan, math.nan).excludes(0)


def test_generator_depends_on_nothing_but_its_name():
    assert estimates.generator("a", 0.1).random() == estimates.generator("a", 0.1).random()
    assert estimates.generator("a", 0.1).random() != estimates.generator("a", 0.2).random()
