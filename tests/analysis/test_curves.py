"""Curves over λ: read off at a cost, at a λ, and by their area, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.fragility.curves import at_cost, at_lambda, hypervolume

INF = np.inf


def test_gain_is_read_off_where_the_curve_first_crosses_the_cost() -> None:
    # From (1, 4) to (−1, 2): cost 0 is half way, gain 3; the second crossing, upwards, does not count.
    costs, gains = np.array([[1.0, -1.0, 1.0]]), np.array([[4.0, 2.0, 0.0]])
    assert at_cost(costs, gains, 0.0, 1.0).tolist() == [3.0]
    assert at_cost(costs, gains, -1.0, 1.0).tolist() == [2.0]
    assert np.isnan(at_cost(costs, gains, -2.0, 1.0)).all()


def test_curve_that_misses_the_cost_with_a_divergence_counts_as_worst() -> None:
    costs, gains = (
        np.array([[1.0, INF, 0.5], [1.0, np.nan, 0.5]]),
        np.array([[4.0, -INF, 4.0], [4.0, np.nan, 4.0]]),
    )
    found = at_cost(costs, gains, 0.0, 1.0)
    assert found[0] == 1.0
    assert np.isnan(found[1])


def test_values_between_two_lambdas_are_linear_in_its_logarithm() -> None:
    lambdas, values = (
        np.array([0.1, 1.0, 10.0]),
        np.array([[0.0, 1.0, 3.0], [0.0, -INF, 3.0], [0.0, np.nan, 3.0]]),
    )
    assert at_lambda(lambdas, values, 1.0)[0] == 1.0
    assert at_lambda(lambdas, values, np.sqrt(10.0))[0] == pytest.approx(2.0)
    assert at_lambda(lambdas, values, 2.0)[1] == -INF
    assert np.isnan(at_lambda(lambdas, values, 2.0)[2])


def test_hypervolume_is_the_area_of_the_staircase() -> None:
    # Reference (2, 0): points 1 deep and 3 high, 2 deep and 1 high: 1·3 + 1·1; one more inside adds nothing.
    costs, gains = np.array([[1.0, 0.0, 1.5]]), np.array([[3.0, 1.0, 2.0]])
    assert hypervolume(costs, gains, 2.0, 0.0).tolist() == [4.0]
    with_divergence = hypervolume(np.array([[1.0, INF, 1.5]]), np.array([[3.0, -INF, 2.0]]), 2.0, 0.0)
    assert with_divergence.tolist() == [3.0]
    assert hypervolume(np.array([[5.0, INF]]), np.array([[3.0, -INF]]), 2.0, 0.0).tolist() == [0.0]
