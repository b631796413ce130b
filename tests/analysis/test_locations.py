"""Intervals of means, medians and shares against their definitions; coverage is simulated in test_calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.locations import (
    clustered_median,
    clustered_share,
    location,
    mean_interval,
    median_interval,
    sign_interval,
)

INF = math.inf


def test_mean_interval_is_students():
    values = np.array([1.0, 4.0, 2.0, 2.5])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.99)
    found = mean_interval(values, 0.99)
    assert (found.point, found.low, found.high) == pytest.approx((2.375, expected.low, expected.high))


@pytest.mark.parametrize("values", [[], [3.0], [1.0, INF], [-INF, INF]])
def test_mean_interval_has_no_bounds_of_fewer_than_two_or_infinite_values(values):
    found = mean_interval(np.array(values))
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_median_interval_lies_between_the_order_statistics_about_its_level():
    # n = 6: [1, 6] covers 1 − 2/64 = 0.96875, [2, 5] 1 − 14/64 = 0.78125. I = 0.01875 / 0.1875 = 0.1;
    # the second statistic weighs (6 − 1) 0.1 / (1 + (6 − 2) 0.1) = 0.5 / 1.4 (Hettmansperger & Sheather 1986, equation 2.3).
    found = median_interval(np.array([6.0, 1.0, 5.0, 2.0, 4.0, 3.0]))
    assert (found.point, found.low, found.high) == pytest.approx((3.5, 1 + 0.5 / 1.4, 6 - 0.5 / 1.4))


def test_median_interval_of_five_is_all_of_them_and_of_four_there_is_none():
    found = median_interval(np.arange(5.0))
    assert (found.point, found.low, found.high) == (2.0, 0.0, 4.0)
    assert math.isnan(median_interval(np.arange(4.0)).low)
    assert math.isnan(median_interval(np.array([])).point)


def test_median_interval_has_infinite_values_as_values():
    found = median_interval(np.array([-INF, -INF, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert (found.point, found.low) == (2.5, -INF)
    assert 5.0 < found.high < 6.0


def test_sign_interval_is_what_the_exact_sign_test_does_not_reject():
    # n = 10: 2 (1 + 10) / 1024 = 0.021 <= 0.05 < 2 (1 + 10 + 45) / 1024: two statistics are cut off.
    values = np.arange(1.0, 11.0)
    found = sign_interval(values)
    assert (found.low, found.high) == (2.0, 9.0)
    for theta, rejected in ((1.9, True), (2.1, False), (8.9, False), (9.1, True)):
        assert bool(location_p(values - theta) <= 0.05) is rejected
    assert (sign_interval(np.arange(5.0)).low, sign_interval(np.arange(5.0)).high) == (
        -INF,
        INF,
    )  # 0.0625 > 0.05


def location_p(values):
    above, below = int(np.sum(values > 0)), int(np.sum(values < 0))
    return stats.binomtest(above, above + below).pvalue


@pytest.mark.parametrize("n", [12, 13, 48, 101])
@pytest.mark.parametrize("confidence", [0.95, 0.995])
def test_location_differs_exactly_where_its_interval_excludes_zero(n, confidence):
    rng = np.random.default_rng(n)
    for shift in np.linspace(-1, 1, 41):
        found = location(rng.normal(size=n) + shift, confidence)
        assert found.statistic == "median"
        assert found.differs == found.interval.excludes(0)
        few = location(rng.normal(size=5) + 2 * shift, confidence)
        assert few.statistic == "mean"
        assert few.differs == few.interval.excludes(0)


def test_location_leaves_ties_at_zero_out_of_the_test_and_its_bound_open():
    # 26 ties at the median of 576: the closed interval has 0 as its end, the sign test of 310 and 240 has p = 0.0032.
    values = np.concatenate([np.linspace(0.01, 3, 310), np.zeros(26), -np.linspace(0.01, 3, 240)])
    found = location(values)
    assert (found.interval.low, found.above, found.equal, found.below) == (0.0, 310, 26, 240)
    assert found.p == pytest.approx(0.0032, abs=1e-4)
    assert found.differs


@pytest.mark.parametrize("values", [[0.5] * 5, [0.0] * 5, [INF] * 5])
def test_location_of_few_values_without_spread_is_undecided(values):
    # Five equal differences: the sign test's p is 0.0625, and there is nothing to estimate another from.
    found = location(np.array(values))
    assert not found.differs
    assert (found.interval.low, found.interval.high) == (-INF, INF)


@pytest.mark.parametrize("values", [[], [2.0], [2.0, 2.1, 2.2, 2.3]])
def test_location_of_fewer_than_five_values_has_no_interval(values):
    found = location(np.array(values))
    assert math.isnan(found.p)
    assert math.isnan(found.interval.low)
    assert not found.differs


def test_clustered_median_of_one_row_each_is_that_of_independent_values():
    values = np.random.default_rng(0).normal(size=30)
    assert clustered_median(values, np.arange(30)) == median_interval(values)


def test_clustered_median_takes_seeds_that_agree_for_one_fact():
    values = np.random.default_rng(0).normal(size=30)
    single, tenfold = (
        median_interval(values),
        clustered_median(np.repeat(values, 10), np.repeat(np.arange(30), 10)),
    )
    wide = np.searchsorted(np.sort(values), [tenfold.low, tenfold.high])
    assert wide[1] - wide[0] == pytest.approx(11, abs=2)  # 30 ± 1.96 √30 / 2 on each side, as of 30 values
    assert tenfold.low == pytest.approx(single.low, abs=0.2)
    apart = clustered_median(np.random.default_rng(1).normal(size=300), np.repeat(np.arange(30), 10))
    assert apart.high - apart.low < (single.high - single.low) / 2


def test_clustered_median_has_no_bounds_of_four_clusters_and_takes_infinite_values():
    four = clustered_median(np.arange(8.0), np.repeat(np.arange(4), 2))
    assert (four.point, math.isnan(four.low)) == (3.5, True)
    found = clustered_median(np.append(np.arange(15.0), INF), np.repeat(np.arange(8), 2))
    assert (found.point, np.isfinite(found.low)) == (7.5, True)


def test_clustered_share_is_wilsons_of_as_many_rows_as_clusters_leave_worth():
    one_each = clustered_share([True, False, False, False], range(4))
    assert (one_each.low, one_each.high) == pytest.approx((0.0456, 0.6994), abs=1e-4)
    agreeing = clustered_share(np.repeat([True] * 10 + [False] * 30, 5), np.repeat(np.arange(40), 5))
    forty = clustered_share([True] * 10 + [False] * 30, range(40))
    assert agreeing.low == pytest.approx(forty.low, abs=0.01)
    never = clustered_share([False] * 20, np.repeat(np.arange(4), 5))
    assert (never.low, never.high) == pytest.approx((0.0, 0.4899), abs=1e-3)  # 1.96² / (4 + 1.96²), of four
    assert math.isnan(clustered_share([], []).point)
