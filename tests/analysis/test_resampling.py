"""The bootstrap against scipy's with the same generator, and medians of drawn units against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import resampling


@pytest.mark.parametrize("units", [2, 9, 40])
def test_bounds_are_those_of_scipy_to_the_bit(units):
    values = np.exp(np.random.default_rng(units).normal(size=units))
    options = {"n_resamples": resampling.RESAMPLES, "vectorized": True}
    drawn = resampling.distribution(resampling.medians(values), units, np.random.default_rng(0))
    expected = stats.bootstrap(
        (values,), np.median, method="percentile", rng=np.random.default_rng(0), **options
    ).confidence_interval
    assert resampling.percentiles(drawn) == (expected.low, expected.high)


def test_medians_leave_out_nan_and_are_nan_of_none():
    nan, inf = np.nan, np.inf
    table = np.array([[1.0, nan], [3.0, 5.0], [nan, nan], [inf, 2.0]])
    drawn = np.array([[0, 0], [0, 1], [2, 2], [1, 3], [3, 3]], np.int32)
    # 1 1; 1 3 5; none; 2 3 5 inf; 2 2 inf inf
    np.testing.assert_array_equal(resampling.medians(table)(drawn), [1.0, 3.0, nan, 4.0, inf])


def test_of_worse_and_better_than_any_value_there_is_no_median_and_no_warning():
    statistic = resampling.medians(np.array([-np.inf, np.inf]))
    assert np.isnan(statistic(np.array([[0, 1]], np.int32))[0])
    assert statistic(np.array([[1, 1]], np.int32))[0] == np.inf
