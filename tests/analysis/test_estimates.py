"""Oracle tests of the estimates: every expected number is derived by hand beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.statistics import estimates


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
